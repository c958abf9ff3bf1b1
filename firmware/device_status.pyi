from collections.abc import Iterator
from typing import Any

# A firmware.device.Device, which is above this.
def status(device: Any) -> Iterator[tuple[str, str]]: ...
