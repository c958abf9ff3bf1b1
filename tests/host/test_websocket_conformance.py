"""The WebSocket client, run by MicroPython, against all cases of the Autobahn test suite."""

import asyncio
from pathlib import Path

from kosoku import FailureError, run_fuzzingserver

from tools.artifacts import micropython

REPOSITORY = Path(__file__).parents[2]
SEARCH_PATH = REPOSITORY / "lib", REPOSITORY / "tests" / "device"
COMPRESSION = ["12.*", "13.*"]  # an extension that this client does not offer
CASES = 301  # those that are left
HEAP = "256M"  # there are messages of 16 MiB
LIMIT_S = 300


async def verdicts() -> dict[str, tuple[str, str]]:
    """By case: how the client behaved, and how the connection ended."""
    results = []
    async with run_fuzzingserver(None, COMPRESSION, host="127.0.0.1", port=0) as server:
        command = micropython.command(
            "echo_program", f"ws://{server.address}:{server.port}", heap=HEAP
        )
        client = await asyncio.create_subprocess_exec(
            *command,
            env=micropython.environment(*SEARCH_PATH),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            output, _ = await asyncio.wait_for(client.communicate(), LIMIT_S)
        finally:
            if client.returncode is None:
                client.kill()
        assert client.returncode == 0, output.decode(errors="replace")
        try:
            results = await asyncio.wait_for(server.get_result(), LIMIT_S)
        except FailureError as failure:
            results = failure.results
    return {
        result.case_id: (result.behavior.value, result.behavior_close.value) for result in results
    }


def test_client_passes_every_case() -> None:
    results = asyncio.run(verdicts())
    assert len(results) == CASES
    # What the RFC leaves open is informational; what it merely advises against would be neither.
    good = {("OK", "OK"), ("INFORMATIONAL", "INFORMATIONAL")}
    assert {case: result for case, result in results.items() if result not in good} == {}
