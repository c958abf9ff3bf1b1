from .ti_power import PowerMonitor

class INA260(PowerMonitor):
    def chip(self) -> str | None: ...
