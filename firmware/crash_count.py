"""The number of crashes in a row, in the ESP32's NVS: for a flash that takes no file."""

_NAMESPACE = "plexus"
_KEY = "crashes"


def read():
    """What write() has put there; 0 if nothing, or where there is no NVS."""
    try:
        from esp32 import NVS

        return max(NVS(_NAMESPACE).get_i32(_KEY), 0)
    except (ImportError, OSError):
        return 0


def write(count):
    """Keep this number (int)."""
    try:
        from esp32 import NVS

        nvs = NVS(_NAMESPACE)
        nvs.set_i32(_KEY, count)
        nvs.commit()
    except (ImportError, OSError):
        pass  # then there is no safe mode, as nothing can be kept
