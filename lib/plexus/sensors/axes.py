"""What sensors of three axes share: settings that a chip must keep, vectors."""

from .i2c import I2CDriver

G = 9.80665  # standard gravity, m/s²
DEGREE = 0.017453293  # rad


class AxesDriver(I2CDriver):
    """A chip that measures by itself all the time, once its settings are written."""

    def _running(self, start_ms, *settings):
        # Settings are (register, value, ...). They are written unless the chip has them: after
        # power-on it has not, and later it has unless it lost power or somebody changed them.
        # start_ms: from then to the first good data.
        if not self._has(settings):
            for setting in settings:
                self.set(*setting)
            yield start_ms
            if not self._has(settings):
                raise self.error("it does not keep its settings")

    def _has(self, settings):
        for setting in settings:
            if self.get(setting[0], len(setting) - 1) != bytes(setting[1:]):
                return False
        return True

    def _fresh(self, register, mask, period_ms):
        # Waits for data that were not read before; period_ms: the longest time between two.
        if self.get(register)[0] & mask != mask:
            yield period_ms
            if self.get(register)[0] & mask != mask:
                raise self.error("it gives no new data")

    def _vector(self, raw, bits, scale, digits, limit):
        # raw: x, y and z as the chip gives them, with so many bits. At an end of these a value is
        # cut off, thus wrong; limit: how that end is called. The product has 16 bits, of which
        # single precision loses none.
        end = 1 << bits - 1
        if max(raw) >= end - 1 or min(raw) <= -end:
            raise self.error("beyond " + limit)
        x, y, z = [round(value * scale, digits) for value in raw]
        return {"x": x, "y": y, "z": z}
