"""The serial ports of this machine: which one has the board, and why one cannot be opened."""

import errno
import os


class LinkError(Exception):
    """What went wrong with the connection, in words."""


def ports() -> list[tuple[str, str]]:
    """The USB serial ports here: the device, and what it says it is."""
    from serial.tools.list_ports import comports

    found = [port for port in comports() if port.vid is not None]
    return sorted((port.device, port.description or "?") for port in found)


def find_port(given: str | None = None) -> str:
    """`given`, or the only port there is. LinkError if there is none, or more than one."""
    if given:
        return given
    found = ports()
    if not found:
        raise LinkError(
            "no board is connected by USB; connect one (some cables only charge), or name its port "
            "with --port"
        )
    if len(found) > 1:
        listed = ", ".join(f"{device} ({printable(what)})" for device, what in found)
        raise LinkError(f"there are several ports: {listed}; say which with --port")
    return found[0][0]


def port_problem(port: str, error: OSError) -> str:
    """Why a port could not be opened, and what to do."""
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        there = ", ".join(device for device, _ in ports())
        return f"{port} is not there; " + (
            f"connected are: {there}" if there else "connect the board"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        group = _group(port)
        return f"{port}: you may not use it; " + (
            f"join its group: sudo usermod -a -G {group} $USER, then log in again"
            if group
            else "see who may"
        )
    if error.errno in (errno.EBUSY, errno.EAGAIN):
        return f"{port} is in use; close the other program (a monitor or an editor's terminal)"
    return f"{port} cannot be opened: {error.strerror or error}"


def _group(port: str) -> str:
    """The group that may use a port; empty if that would not help."""
    try:
        import grp

        return grp.getgrgid(os.stat(port).st_gid).gr_name
    except (ImportError, OSError, KeyError):
        return ""


def printable(text: str) -> str:
    """Without what would steer the terminal."""
    return "".join(c if c.isprintable() or c == "\t" else "?" for c in text)
