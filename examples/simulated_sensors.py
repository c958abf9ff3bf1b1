"""Five simulated sensors at their own rates, until Enter is pressed; prints what is going on.

It needs no wiring. The board is on the network already (see basic.py).
"""

import math
import random
import select
import sys
import time

import settings

from plexus import Plexus, PlexusError

px = Plexus(**settings.PLEXUS)
sent = 0
latest_ms = 0


def send(metric, value):
    global sent
    px.send(metric, value)
    sent += 1


def wave(period_s):
    """A sine of that period, from -1 to 1."""
    return math.sin(time.ticks_ms() % (period_s * 1000) * 2 * math.pi / (period_s * 1000))


def noise(size):
    return (random.random() - 0.5) * size


def climate():
    global sent
    temperature = round(22.4 + 3 * wave(60) + noise(0.2), 1)
    humidity = round(58.1 - 8 * wave(90) + noise(0.6), 1)
    # One timestamp for both, and one call.
    px.send_batch([("temperature", temperature), ("humidity", humidity)])
    sent += 2


def imu():
    x, y = 0.3 * wave(4) + noise(0.02), 0.2 * wave(7) + noise(0.02)
    send("imu", {"x": round(x, 3), "y": round(y, 3), "z": round(9.81 + noise(0.05), 3)})


def motor():
    send("motor.state", ("idle", "starting", "running", "running")[time.ticks_ms() // 3000 % 4])


def door():
    send("door.open", time.ticks_ms() // 5000 % 2 == 1)


def report():
    print(px.status)


def finish():
    """Try for 10 s to bring the rest to the server."""
    for _ in range(10):
        try:
            px.flush()
            break
        except PlexusError as error:
            print(error)
            time.sleep(1)
    # px.rejected and px.dropped tell what was lost, and why is in px.status.
    counts = (sent, px.confirmed, px.dropped, px.rejected)
    print(px.status)
    print("sent %d, confirmed %d, dropped %d, rejected %d" % counts)
    print("sampled at most %d ms late" % latest_ms)


# [function, interval in ms, when it is due]
jobs = [[climate, 1000], [imu, 100], [motor, 1000], [door, 500], [report, 1000]]
start = time.ticks_ms()
for job in jobs:
    job.append(start)

keyboard = select.poll()
keyboard.register(sys.stdin, select.POLLIN)
while not keyboard.poll(5):
    for job in jobs:
        late_ms = time.ticks_diff(time.ticks_ms(), job[2])
        if late_ms >= 0:
            latest_ms = max(latest_ms, late_ms)
            job[0]()
            job[2] = time.ticks_add(job[2], job[1])
    px.tick()
finish()
