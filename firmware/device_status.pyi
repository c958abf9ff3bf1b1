from collections.abc import Iterator

from .device import Device

def status(device: Device) -> Iterator[tuple[str, str]]: ...
