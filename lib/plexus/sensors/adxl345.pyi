from .axes import AxesDriver

class ADXL345(AxesDriver):
    def chip(self) -> str | None: ...
