"""One run: the server, the lanes to it, the time servers and the device; then the account."""

import dataclasses
import logging
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tools.mock_server import MockServer
from tools.mock_server.profiles import PROFILES
from tools.soak.account import Evidence, account
from tools.soak.clocks import Clocks
from tools.soak.device.series import POISON
from tools.soak.device_run import Damage, Programs
from tools.soak.journal import Journal, memory
from tools.soak.kinds import HTTP, HTTPS
from tools.soak.lanes import Lane, Watch
from tools.soak.storm import Storm

_PROFILE = dataclasses.replace(
    PROFILES["documented"], refused_metrics=dict(zip(POISON, (True, False), strict=True))
)
# Of the time, for starts with damaged files; and of what is left, without faults, at the end.
_DAMAGE_SHARE, _DAMAGE_MAX_S = 0.1, 60.0
_HEALTHY_SHARE, _HEALTHY_MAX_S = 0.2, 20.0
_POLL_S = 0.05


def run(for_s: float, seed: int) -> int:
    """Returns the exit status: 0 if the account is as it must be."""
    print(f"soak: seed {seed}, {for_s:g} s and as long as the rest takes to arrive", flush=True)
    # It warns of clients that leave amid an answer, which is what many faults are.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    try:
        left = record(for_s, seed)
    except KeyboardInterrupt:
        print("ended before the account")
        return 1
    made = account(left)
    print(made.text(lane.name for lane in left.lanes))
    print(f"{len(made.problems)} problems" if made.problems else "all is accounted for")
    return 1 if made.problems else 0


def record(for_s: float, seed: int) -> Evidence:
    """Run for so long, and as long as the device needs to deliver what is left."""
    with tempfile.TemporaryDirectory(prefix="plexus-soak-") as directory:
        programs = Programs(Path(directory))
        damage_s = min(for_s * _DAMAGE_SHARE, _DAMAGE_MAX_S)
        damage = programs.damage(seed, damage_s)
        return _send(programs, for_s, for_s - damage_s, seed, damage)


def _send(programs: Programs, for_s: float, send_s: float, seed: int, damage: Damage) -> Evidence:
    """Let the device send for so long, with faults but in the last part."""
    with MockServer(_PROFILE, tls=True) as server, Clocks(seed) as clocks:
        lanes = [Lane(HTTP, server.url), Lane(HTTPS, server.tls_url or "")]
        sending = programs.send(lanes, send_s, clocks.port, server.ca_pem_path)
        storm_ends = time.monotonic() + send_s - min(send_s * _HEALTHY_SHARE, _HEALTHY_MAX_S)

        def wait_until(condition: Callable[[], bool]) -> None:
            while sending.running and time.monotonic() < storm_ends and not condition():
                time.sleep(_POLL_S)

        try:
            with Watch(server, lanes):
                # The clock is known, and each lane has delivered, before anything fails.
                wait_until(lambda: all(lane.healthy for lane in lanes))
                with clocks.storm(), Storm(server, lanes, seed):
                    wait_until(lambda: False)
                summary = sending.finish()
        finally:
            sending.kill()
            for lane in lanes:
                lane.proxy.close()
        return Evidence(
            for_s=for_s,
            summary=summary,
            journals={lane.source_id: Journal(sending.journals, lane.source_id) for lane in lanes},
            memory=memory(sending.journals),
            lanes=lanes,
            rows=server.requests(),
            points=server.points(),
            sessions=server.sessions(),
            offsets=clocks.offsets,
            given=clocks.given,
            damage=damage,
        )
