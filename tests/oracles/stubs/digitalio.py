"""Stands in for CircuitPython's module: names, and a pin that only keeps its value."""


class Direction:
    INPUT = "input"
    OUTPUT = "output"


class Pull:
    UP = "up"
    DOWN = "down"


class DriveMode:
    PUSH_PULL = "push-pull"
    OPEN_DRAIN = "open-drain"


class DigitalInOut:
    def __init__(self, pin: object = None) -> None:
        self.pin = pin
        self.value = True

    def switch_to_output(self, value: bool = False, drive_mode: str = "push-pull") -> None:
        self.value = value
