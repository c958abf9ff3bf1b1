"""The board itself: memory, uptime, cause of the reset, WiFi signal, chip temperature, battery."""

import gc

from ..port import ticks_diff, ticks_ms
from .driver import Driver

_CAUSES = ("PWRON", "HARD", "WDT", "DEEPSLEEP", "SOFT")


class System(Driver):
    """Yields what the board can tell; what it cannot is left out.

    heap_free (B): of MicroPython's heap; what awaits collection counts as used.
    idf_heap_free (B): of the ESP-IDF, from which WiFi and TLS take.
    uptime (s): since this driver was made, which a program does as it starts.
    reset_cause: "pwron", "hard", "wdt", "deepsleep" or "soft" (or the port's number), once.
    rssi (dBm): of the WiFi network, while connected.
    chip_temperature (°C): inside the chip, well above the room's.
    battery_voltage (V): of the pin `battery`. If it cannot be measured, that is left out, and
    "battery_voltage.status" says why; also "ok", once, when it can be again.

    battery: a machine.Pin behind a divider, if there is one; divider: see ADC.
    wifi: False leaves the radio alone. Asking for it takes its memory, even on a board that is on
    Ethernet.
    """

    METRICS = {
        "heap_free": "B",
        "idf_heap_free": "B",
        "uptime": "s",
        "reset_cause": "",
        "rssi": "dBm",
        "chip_temperature": "°C",
        "battery_voltage": "V",
        "battery_voltage.status": "",
    }
    # ESP-IDF: the sensor's range, and RSSI as a signed byte. battery_voltage is of ADC's range;
    # heaps and uptime have no bound.
    RANGES = (
        "rssi", -127, 0,
        "chip_temperature", -40, 125,
    )  # fmt: skip
    INTERVAL_MS = 60000

    def __init__(self, battery=None, divider=2.0, wifi=True):
        from .checks import check_flag, check_number

        check_flag("wifi", wifi)
        check_number("divider", divider, 1, 1000)
        self._battery = None
        if battery is None:
            self.METRICS = {
                name: self.METRICS[name] for name in self.METRICS if name[:7] != "battery"
            }
        else:
            from .adc import ADC

            self._battery = ADC(battery, divider=divider, metric="battery_voltage")
        self._battery_well = True
        self.wifi = wifi
        self._told = False
        self._ticks = ticks_ms()
        self._uptime_s = 0
        self._uptime_ms = 0  # the rest

    def measure(self):
        if hasattr(gc, "mem_free"):
            yield "heap_free", gc.mem_free()
        esp32 = _module("esp32")
        if hasattr(esp32, "idf_heap_info"):
            yield "idf_heap_free", sum([heap[1] for heap in esp32.idf_heap_info(esp32.HEAP_DATA)])
        yield "uptime", self._uptime()
        if not self._told:
            self._told = True
            cause = _reset_cause()
            if cause:
                yield "reset_cause", cause
        rssi = _rssi() if self.wifi else None
        if rssi is not None:
            yield "rssi", rssi
        if hasattr(esp32, "mcu_temperature"):
            yield "chip_temperature", esp32.mcu_temperature()
        elif hasattr(esp32, "raw_temperature"):  # of the first ESP32, in °F
            yield "chip_temperature", round((esp32.raw_temperature() - 32) / 1.8, 1)
        if self._battery and hasattr(_module("machine"), "ADC"):
            yield from self._battery_readings()

    def _battery_readings(self):
        try:
            readings = self._battery.read()
            status = "ok"
        except (OSError, ValueError) as error:  # ValueError: a pin without a converter
            readings = []
            status = str(error)
        well = status == "ok"
        if well != self._battery_well:
            readings.append(("battery_voltage.status", status))
        self._battery_well = well
        return readings

    def _uptime(self):
        # In whole seconds and a rest, for the ticks wrap.
        now = ticks_ms()
        self._uptime_ms += ticks_diff(now, self._ticks)
        self._ticks = now
        self._uptime_s += self._uptime_ms // 1000
        self._uptime_ms %= 1000
        return self._uptime_s


def _module(name):
    try:
        return __import__(name)
    except ImportError:
        return None


def _reset_cause():
    machine = _module("machine")
    if not hasattr(machine, "reset_cause"):
        return None
    found = machine.reset_cause()
    for name in _CAUSES:
        if found == getattr(machine, name + "_RESET", None):
            return name.lower()
    return str(found)


def _rssi():
    network = _module("network")
    if not hasattr(network, "WLAN"):
        return None
    wlan = network.WLAN(network.STA_IF)
    try:
        return wlan.status("rssi") if wlan.isconnected() else None
    except (OSError, ValueError, TypeError):  # just disconnected, or not told by this port
        return None
