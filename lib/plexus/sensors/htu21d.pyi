from .i2c import I2CDriver

class HTU21D(I2CDriver):
    def chip(self) -> str | None: ...
