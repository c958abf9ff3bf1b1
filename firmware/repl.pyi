from typing import Any

# firmware.device.Device, of which this package knows nothing.
device: Any

def status() -> None: ...
