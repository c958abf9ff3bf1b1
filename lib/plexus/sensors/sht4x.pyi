from typing import ClassVar

from .sensirion import HumiditySensor

class SHT4x(HumiditySensor):
    MODES: ClassVar[dict[str, tuple[int, int]]]
    def chip(self) -> str | None: ...
