"""Answers keep below the limit of the platform's gateway: it loses what is more."""

from agent_world import World
from support import equal

TIMEOUT_S = 120
SHORT_NAMES = True

GATEWAY = "ws://server.test/ws/device"


class Limit:
    """The gateway's: 20 messages a second besides telemetry, after 60 at once. lost: beyond it."""

    def __init__(self, world):
        self._world = world
        self._left = 60
        self._at_ms = 0
        self.lost = 0

    def judge(self, message):
        if message["type"] in ("telemetry", "device_auth"):
            return
        now_ms = self._world.now_ms
        self._left = min(60, self._left + (now_ms - self._at_ms) * 20 / 1000)
        self._at_ms = now_ms
        self.lost += self._left < 1
        self._left -= self._left >= 1


def hundred_in_a_row(world):
    """How long (ms) a hundred commands take to be answered; and the Limit, which has seen it."""
    limit = Limit(world)
    world.server.judge = limit.judge
    took = []

    async def main():
        await world.until(lambda: world.agent.connected)
        for again in range(2):
            began_ms = world.now_ms
            for number in range(100):
                world.server.socket.say(
                    {
                        "type": "typed_command",
                        "id": "%d-%d" % (again, number),
                        "command": "start_stream",
                        "params": {"metrics": ["shown"]},
                    }
                )
            count = 100 * (again + 1)
            heard = world.server.heard
            await world.until(lambda c=count, h=heard: len(h("command_result")) >= 2 * c)
            took.append(world.now_ms - began_ms)
            results = heard("command_result", event="result")
            equal(len({message["id"] for message in results}), count)

    world.run(main())
    return took[1], limit


def test_hundred_commands_in_a_row_have_a_hundred_answers():
    world = World(url=GATEWAY)
    took_ms, limit = hundred_in_a_row(world)
    equal((limit.lost, world.server.connects), (0, 1))
    assert took_ms >= 7000, took_ms
    # What is shown does not wait for the answers.
    equal(world.agent.live.dropped, 0)


def test_documented_server_is_answered_at_once_until_it_says_that_this_is_too_fast():
    world = World()
    took_ms, limit = hundred_in_a_row(world)
    assert took_ms < 5000, took_ms
    assert limit.lost > 0

    world = World()
    world.server.greeting = {"type": "error", "code": "RATE_LIMITED"}
    took_ms, limit = hundred_in_a_row(world)
    equal(limit.lost, 0)
    assert took_ms >= 7000, took_ms


def test_heartbeats_go_out_amid_a_flood_of_answers():
    world = World(url=GATEWAY, heartbeat_ms=2000)
    limit = Limit(world)
    world.server.judge = limit.judge

    async def main():
        await world.until(lambda: world.agent.connected)
        for number in range(400):
            world.server.socket.say({"type": "ping", "id": str(number)})
        await world.until(lambda: len(world.server.heard("pong")) == 400)
        assert world.server.heartbeats >= 5, world.server.heartbeats

    world.run(main())
    equal(limit.lost, 0)
