"""Any sequence of sends, drops, looks, commits and clock shifts gives what a list would give."""

import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from plexus.readings.buffer import BufferFull
from plexus.readings.render import Body
from plexus.readings.timestamp import epoch_ms
from readings import HEAD, START_MS, Client

PIECE = 1024
END_MS = 10**15

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
FLOAT = st.floats(allow_nan=False, allow_infinity=False)
NUMBER = FLOAT | st.integers(-(2**70), 2**70) | st.integers(-100, 100)
SCALAR = NUMBER | st.booleans() | TEXT | st.text("xé\n", min_size=100, max_size=128)
JSON = st.recursive(
    SCALAR | st.none(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(TEXT, inner, max_size=4)
    ),
    max_leaves=8,
)
VALUE = SCALAR | JSON.filter(lambda value: value is not None)
METRIC = st.sampled_from(["temperature", "m", "é\n"]) | TEXT.filter(bool)
SOURCE = st.none() | st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)
TAGS = st.none() | st.dictionaries(TEXT.filter(bool), TEXT, max_size=3)
STEP_MS = (
    st.integers(900, 1100)
    | st.integers(-5000, 100000)
    | st.integers(-300_000_000, 300_000_000)
    | st.integers(-(10**11), 10**11)
)
OLDEST_S = 1577836800  # 2020
TIMESTAMP = (
    st.integers(OLDEST_S, 10**12 - 1)
    | st.integers(OLDEST_S * 1000, END_MS - 1)
    | st.integers(START_MS - 10**6, START_MS + 10**6)
    | st.floats(OLDEST_S, 2e9)
)


def as_json(value: Any) -> Any:
    """A value as it comes back from JSON."""
    if isinstance(value, list | tuple):
        return [as_json(inner) for inner in value]
    if isinstance(value, dict):
        return {key: as_json(inner) for key, inner in value.items()}
    return value


def milliseconds(timestamp: int | float) -> int:
    """A point's timestamp as the API reads it: s below 10^12, else ms."""
    return round(timestamp * 1000) if timestamp < 10**12 else int(timestamp)


class RingMachine(RuleBasedStateMachine):
    """`waiting` is the model: what was sent and neither confirmed nor dropped, oldest first."""

    @initialize(
        ring_bytes=st.sampled_from([256, 300, 512, 997, 4096]),
        known=st.booleans(),
        refuse=st.booleans(),
        start_ms=st.integers(0, 10**8) | st.integers(0, 10**10),
    )
    def start(self, ring_bytes: int, known: bool, refuse: bool, start_ms: int) -> None:
        self.client = Client(
            ring_bytes,
            START_MS + start_ms if known else start_ms,
            known,
            "refuse" if refuse else "drop_oldest",
        )
        self.refuse = refuse
        self.waiting: list[dict[str, Any]] = []
        self.sent = self.confirmed = 0
        self.session: Any = None
        self.iterator: Any = None

    # Sending

    def send(self, metric: str, value: Any, timestamp: Any, tags: Any, source_id: Any) -> None:
        before = self.client.dropped
        try:
            self.client.send(metric, value, timestamp, tags, source_id)
        except BufferFull:
            assert self.refuse
            self.forget_dropped(before)
            return
        except ValueError as error:  # larger than the ring
            assert "ring_bytes" in str(error)
            self.forget_dropped(before)
            return
        point = {"metric": metric, "value": as_json(value)}
        if timestamp is None:
            point["clock_ms"] = self.client.clock.now_ms
        else:
            point["timestamp"] = epoch_ms(timestamp)
        tags = dict(tags or {})
        if self.session is not None:
            tags.setdefault("session_id", self.session.session_id)
            point["session_id"] = self.session.session_id
        if tags:
            point["tags"] = tags
        if source_id is not None:
            point["source_id"] = source_id
        self.waiting.append(point)
        self.sent += 1
        self.forget_dropped(before)

    def forget_dropped(self, before: int) -> None:
        count = self.client.dropped - before
        assert count == 0 or not self.refuse
        assert 0 <= count <= len(self.waiting)
        del self.waiting[:count]

    @rule(
        metric=METRIC,
        value=VALUE,
        timestamp=st.none() | TIMESTAMP,
        tags=TAGS,
        source_id=SOURCE,
        step_ms=STEP_MS,
    )
    def send_one(
        self, metric: str, value: Any, timestamp: Any, tags: Any, source_id: Any, step_ms: int
    ) -> None:
        clock = self.client.clock
        clock.now_ms = min(max(clock.now_ms + step_ms, 0), END_MS // 2)
        self.send(metric, value, timestamp, tags, source_id)

    @rule(count=st.integers(1, 60), values=st.lists(NUMBER, min_size=1, max_size=5))
    def send_steadily(self, count: int, values: list[float]) -> None:
        for place in range(count):
            self.client.clock.now_ms += 1000 + place % 3
            self.send("temperature", values[place % len(values)], None, None, None)

    @rule(count=st.integers(1, 20))
    def send_with_many_tags(self, count: int) -> None:
        for place in range(count):
            self.send("m", place, None, {"n": f"{self.sent}-{place}"}, None)

    @rule(session_id=st.none() | TEXT.filter(bool))
    def change_session(self, session_id: str | None) -> None:
        if self.session is not None:
            self.session.__exit__()
            self.session = None
        if session_id is not None:
            self.session = self.client.session(session_id)
            self.session.__enter__()

    @precondition(lambda self: not self.client.clock.known)
    @rule(shift_ms=st.integers(1, START_MS))
    def learn_the_time(self, shift_ms: int) -> None:
        self.client.clock.learn(shift_ms)
        self.iterator = None  # its body was measured with the old times, which no client does
        for point in self.waiting:
            if "clock_ms" in point:
                point["clock_ms"] += shift_ms

    # Looking

    def check(self, text: bytes, expected: list[dict[str, Any]], dated: bool) -> None:
        points = json.loads(text)["points"]
        for point, sent in zip(points, expected, strict=True):
            wanted = dict(sent)
            clock_ms = wanted.pop("clock_ms", None)
            if clock_ms is not None and dated:
                wanted["timestamp"] = clock_ms
            if "timestamp" in wanted:
                point["timestamp"] = milliseconds(point["timestamp"])
            # As text, which tells 1 from 1.0 and true, and 0.0 from -0.0.
            assert json.dumps(point, sort_keys=True) == json.dumps(wanted, sort_keys=True)

    @rule(
        count=st.integers(0, 5) | st.integers(0, 200) | st.just(10000),
        limit=st.integers(0, 5000) | st.just(10**7),
        dated=st.booleans(),
        skip=st.just(0) | st.integers(0, 50),
        confirm=st.booleans(),
    )
    def look(self, count: int, limit: int, dated: bool, skip: int, confirm: bool) -> None:
        self.iterator = None
        taken = self.client.measure(count, limit, dated, skip)
        expected = self.waiting[skip : skip + taken]
        assert taken == len(expected) <= count
        pieces = [bytes(piece) for piece in self.client.body]
        text = b"".join(pieces)
        assert len(text) == self.client.body.len
        assert max(map(len, pieces)) <= PIECE
        if taken:
            assert len(text) <= limit
        self.check(text, expected, dated)
        if taken < min(count, len(self.waiting) - skip):
            more = Body(self.client.ring, self.client.lock, HEAD)
            more.measure(taken + 1, 10**9, dated, skip)
            assert more.len > limit, "one more would have fitted"
        if confirm and skip == 0:
            assert self.client.confirm_all() == taken
            del self.waiting[:taken]
            self.confirmed += taken

    @rule(count=st.integers(1, 100), steps=st.integers(1, 4))
    def begin_to_iterate(self, count: int, steps: int) -> None:
        self.client.measure(count)
        self.iterator = iter(self.client.body)
        self.dropped_at_start = self.client.dropped
        self.expected = [dict(point) for point in self.waiting[: self.client.body.count]]
        self.parts: list[bytes] = []
        self.iterate(steps)

    def iterate(self, steps: int) -> None:
        # By next(): a `for` would begin the body anew.
        self.parts += [bytes(next(self.iterator, b"")) for _ in range(steps)]

    @precondition(lambda self: self.iterator is not None)
    @rule()
    def end_to_iterate(self) -> None:
        iterator, self.iterator = self.iterator, None
        gone = self.client.dropped - self.dropped_at_start
        try:
            while piece := next(iterator, b""):
                self.parts.append(bytes(piece))
        except OSError:
            assert gone, "nothing was dropped"
            return
        self.check(b"".join(self.parts), self.expected, True)
        taken = self.client.confirm_all()
        # What was dropped since, and has arrived after all, is not counted as dropped.
        arrived = min(gone, taken)
        assert self.client.dropped == self.dropped_at_start + gone - arrived
        del self.waiting[: max(0, taken - gone)]
        self.confirmed += taken

    @invariant()
    def every_reading_is_accounted_for(self) -> None:
        if not hasattr(self, "client"):
            return
        assert self.client.pending == len(self.waiting)
        assert self.client.pending + self.client.dropped + self.confirmed == self.sent


RingMachine.TestCase.settings = settings(
    max_examples=120,
    stateful_step_count=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    report_multiple_bugs=False,
)
test_any_sequence_gives_what_a_list_would_give = RingMachine.TestCase


# No float carries a wall-clock time


class Time(int):
    """A time that stays an int: what would make a float of it raises."""

    def __float__(self) -> float:
        raise TypeError("a time became a float")

    def __truediv__(self, other: object) -> float:
        raise TypeError("a time was divided to a float")

    __rtruediv__ = __truediv__

    @staticmethod
    def _closed(name: str) -> Any:
        def method(self: Time, *others: Any) -> Any:
            if any(isinstance(other, float) for other in others):
                raise TypeError("a float met a time")
            result = getattr(int, name)(int(self), *map(int, others))
            return tuple(map(Time, result)) if isinstance(result, tuple) else Time(result)

        return method


for _name in ["add", "sub", "mul", "floordiv", "mod", "divmod", "and", "or", "lshift", "rshift"]:
    setattr(Time, f"__{_name}__", Time._closed(f"__{_name}__"))
    setattr(Time, f"__r{_name}__", Time._closed(f"__r{_name}__"))


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.integers(OLDEST_S, 10**12 - 1) | st.integers(OLDEST_S * 1000, END_MS - 1), STEP_MS
        )
    )
)
def test_no_float_takes_part_from_send_to_json(times: list[tuple[int, int]]) -> None:
    client = Client()
    client.clock.now_ms = Time(START_MS)
    expected = []
    for timestamp, step_ms in times:
        client.clock.now_ms = max(Time(0), client.clock.now_ms + step_ms)
        client.send("m", 1)
        client.send("m", 2, timestamp=Time(timestamp))
        given_ms = timestamp * 1000 if timestamp < 10**12 else timestamp
        expected += [int(client.clock.now_ms), given_ms]
    points = client.points()
    assert [milliseconds(point["timestamp"]) for point in points] == expected


def test_no_float_takes_part_when_the_time_becomes_known() -> None:
    client = Client(now_ms=0, known=False)
    client.clock.now_ms = Time(5000)
    client.send("m", 1)
    client.clock.learn(Time(START_MS))
    assert client.points()[0]["timestamp"] == START_MS + 5000


def test_time_that_refuses_to_be_a_float_does_so() -> None:
    for attempt in (lambda t: float(t), lambda t: t / 1000, lambda t: t * 0.001, lambda t: t + 0.5):
        with pytest.raises(TypeError):
            attempt(Time(START_MS))
    with pytest.raises(TypeError):
        math.floor(Time(START_MS) / 1)
