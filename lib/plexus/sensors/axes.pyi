from collections.abc import Generator, Sequence

from .i2c import I2CDriver

G: float
DEGREE: float

class AxesDriver(I2CDriver):
    def _running(self, start_ms: int, *settings: tuple[int, ...]) -> Generator[int, None, None]: ...
    def _fresh(self, register: int, mask: int, period_ms: int) -> Generator[int, None, None]: ...
    def _vector(
        self, raw: Sequence[int], bits: int, scale: float, digits: int, limit: str
    ) -> dict[str, float]: ...
