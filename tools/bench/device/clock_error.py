"""How far a clock is from the system's, after a sync with a server of the system's time."""

import socket
import struct
import time

from common import main


def ours(host, port, count):
    from plexus import Clock

    errors_us = []
    for _ in range(count):
        clock = Clock((host,), port, set_rtc=False)
        clock.sync()
        ms = clock.now_ms()
        # now_ms cuts off: the middle of that ms is what it says.
        errors_us.append(ms * 1000 + 500 - time.time_ns() // 1000)
    return errors_us


def naive(host, port, count):
    """What the firmware's ntptime does: the whole seconds of the server's answer."""
    address = socket.getaddrinfo(host, port)[0][-1]
    errors_us = []
    for _ in range(count):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.settimeout(1)
        sock.sendto(b"\x1b" + bytes(47), address)
        answer = sock.recv(48)
        sock.close()
        seconds = struct.unpack("!I", answer[40:44])[0] - 2208988800
        errors_us.append(seconds * 1000000 - time.time_ns() // 1000)
        time.sleep_ms(73)  # so that the seconds' fractions differ
    return errors_us


if __name__ == "__main__":
    main({"ours": ours, "naive": naive})
