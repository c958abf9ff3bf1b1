from typing import Any, ClassVar, Literal

from .i2c import I2CDriver

class TSL2591(I2CDriver):
    GAINS: ClassVar[tuple[int, ...]]
    def __init__(
        self,
        bus: Any,
        address: int | None = None,
        gain: Literal[1, 25, 428, 9876] | None = None,
        integration_ms: Literal[100, 200, 300, 400, 500, 600] = 100,
        any_id: bool = False,
    ) -> None: ...
    def chip(self) -> str | None: ...
