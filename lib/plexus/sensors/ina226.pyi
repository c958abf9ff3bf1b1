from .ti_power import ShuntMonitor

class INA226(ShuntMonitor):
    def chip(self) -> str | None: ...
