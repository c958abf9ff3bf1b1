from .i2c import I2CDriver

class ENS160(I2CDriver):
    def chip(self) -> str | None: ...
