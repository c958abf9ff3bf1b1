from typing import Any, Literal

from .driver import Driver

class DHT(Driver):
    def __init__(self, pin: Any, model: Literal["dht22", "dht11"] = "dht22") -> None: ...
