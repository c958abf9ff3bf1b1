"""What a hostile server says: one message of each kind that was, or might be, too much."""

import json

MAX_SIZE = 8192  # of the agent's messages, by default
OPTIONS = ("sample_rate", "interval_ms", "prefix", "gain", "label", "fails", "self", "\\u0000")
KINDS = (
    "start_stream",
    "stop_stream",
    "start_session",
    "stop_session",
    "configure",
    "execute",
    "cancel",
    "ping",
    "echo",
    "authenticated",
    "error",
    "telemetry",
    "typed_command",
    "x",
)
FIELDS = (
    "id",
    "stream_id",
    "metrics",
    "interval_ms",
    "store",
    "session_id",
    "session_name",
    "sensor",
    "config",
    "command",
    "params",
    "timeout_seconds",
    "source_id",
    "message",
)
WRONG = (
    "null",
    "true",
    "0",
    "-1",
    "1.5",
    "1e308",
    "1e999",
    "123456789012345678901234567890",
    '""',
    '"\\u0000"',
    '"\\ud800"',
    '"*"',
    "[]",
    "{}",
    "[null]",
    '[[["a"]]]',
    '{"a":{"a":{"a":[]}}}',
    '["a",1]',
)


def _typed(kind, params, ident='"t1"'):
    return '{"type":"typed_command","id":%s,"command":%s,"params":%s}' % (
        ident,
        json.dumps(kind),
        params,
    )


def _filled(head, piece, tail):
    # As many pieces as a message may have bytes.
    return head + piece * ((MAX_SIZE - len(head) - len(tail)) // len(piece)) + tail


def messages():
    """Texts and bytes, each of at most MAX_SIZE bytes; made one by one, as they are large."""
    for text in _no_objects():
        yield text
    for text in _large():
        yield text
    for kind in KINDS:
        for wrong in WRONG:
            yield _typed(kind, wrong)
            yield _typed(kind, "{}", wrong)
            yield '{"type":%s,"command":%s}' % (wrong, json.dumps(kind))
    for field in FIELDS:
        for wrong in WRONG:
            for kind in KINDS[:6]:
                yield '{"type":"%s","%s":%s}' % (kind, field, wrong)
                good = '"id":"a","session_id":"s","sensor":"kept","config":{"gain":2}'
                yield _typed(kind, '{%s,"%s":%s}' % (good, field, wrong))
    for key in (
        "sample_rate",
        "interval_ms",
        "prefix",
        "gain",
        "label",
        "fails",
        "self",
        "\\u0000",
    ):
        for wrong in WRONG:
            yield '{"type":"configure","sensor":"shown","config":{"%s":%s}}' % (key, wrong)
    for name in ("n", "i", "s", "b", "c", "q"):
        for wrong in WRONG:
            yield _typed("echo", '{"%s":%s}' % (name, wrong))
            yield '{"type":"execute","id":"e","command":"echo","params":{"%s":%s}}' % (name, wrong)
    for number in range(20):
        yield '{"type":"start_stream","id":"s%d","interval_ms":20}' % number
        yield '{"type":"start_session","session_id":"s%d"}' % number
        yield '{"type":"execute","id":"e%d","command":"slow"}' % number
        yield '{"type":"execute","id":"l%d","command":"loud"}' % number
    for number in range(300):
        yield '{"type":"typed_command","id":"m%d","command":"start_stream","params":{}}' % number
    for command in ("odd", "broken", "__import__('os')", "echo n='", "echo n=1 n=2", "echo =", " "):
        yield json.dumps({"type": "execute", "id": "x", "command": command})
        yield _typed("execute", json.dumps({"command": command}))


def platform_messages():
    """What only the platform says, and what of it might be too much."""
    good = '"type":"%s","run_id":"r%d","command":"%s","params":{},"ttl_ms":9000,"seq":1'
    number = 0
    for kind in ("command_run", "command_status_ack", "telemetry_ack", "error", "authenticated"):
        for field in ("run_id", "command", "params", "ttl_ms", "attempt", "seq", "code", "detail"):
            for wrong in WRONG:
                number += 1
                yield '{%s,"%s":%s}' % (good % (kind, number, "echo"), field, wrong)
                yield '{"type":"%s","%s":%s}' % (kind, field, wrong)
    for number in range(60):
        for command in ("slow", "loud", "broken", "odd", "echo", "x" * 2000):
            yield "{%s}" % (good % ("command_run", 1000 + number, command))
    yield _filled('{"type":"command_run","command":"echo","run_id":"', "r", '"}')
    yield _filled('{"type":"command_run","run_id":"large","command":"', "c", '"}')
    yield _filled('{"type":"command_run","run_id":"l","command":"echo","params":{"s":"', "x", '"}}')
    yield _filled('{"type":"error","code":"', "SOURCE_LIMIT", '"}')


def _no_objects():
    for text in ("", " ", "null", "1", "[]", '"x"', "{", "}", '{"type"', "{]", "\0", "NaN"):
        yield text
    yield "\ufeff{}"
    yield b""
    yield b'{"type":"ping"}'
    yield b"\xff" * 100
    yield "{}"
    yield '{"type":null}'
    yield '{"type":"\\ud800"}'
    yield '{"type":"ping","type":"cancel"}'
    yield '{"type":"ping"}{"type":"ping"}'
    yield "{[]:{},{}:[]}"  # MicroPython's parser takes anything for a key
    yield '{"type":"ping",1:2,null:3}'
    yield "{'type':'ping'}"


def _large():
    for depth in (15, 60, 63, 64, 500, 4000):
        yield '{"type":"ping","x":' + "[" * depth + "]" * depth + "}"
        yield "[" * depth
        yield '{"a":' * (depth // 4) + "1" + "}" * (depth // 4)
        yield _typed(
            "configure",
            '{"sensor":"shown","config":{"gain":%s1%s}}'
            % (
                "[" * min(depth, 60),
                "]" * min(depth, 60),
            ),
        )
    yield _filled('{"type":"x","x":[', "1,", "1]}")
    yield _filled('{"type":"x","x":["', "\\u00e9", '"]}')
    yield _filled('{"type":"x","x":', "9", "}")
    yield _filled('{"type":"x","x":1', "0", ".5e9}")
    yield _filled('{"type":"x",', '"a":1,', '"b":1}')
    yield _filled('{"type":"', "x", '"}')
    yield _filled('{"type":"start_stream","id":"', "i", '"}')
    yield _filled('{"type":"start_stream","id":"a","metrics":["', "m", '"]}')
    yield _filled('{"type":"start_stream","id":"a","metrics":[', '"steady",', '"kept"]}')
    yield _filled('{"type":"start_stream","id":"a","interval_ms":', "9", "}")
    yield _filled('{"type":"start_session","session_id":"', "s", '"}')
    yield _filled('{"type":"execute","id":"e","command":"', "echo ", '"}')
    yield _filled('{"type":"execute","id":"e","command":"echo s=\'', "\\\\", "'\"}")
    yield _filled('{"type":"execute","id":"e","command":"echo","params":{"s":"', "x", '"}}')
    yield _filled('{"type":"execute","id":"e","command":"echo","params":{"i":1', "0", "}}")
    yield _filled('{"type":"configure","sensor":"shown","config":{"prefix":"', "p", '"}}')
    yield _filled('{"type":"configure","sensor":"shown","config":{"', "k", '":1}}')
    yield _filled('{"type":"configure","sensor":"shown","config":{"sample_rate":1', "0", "}}")
    yield _filled('{"type":"typed_command","id":"', "i", '","command":"ping"}')
    yield _filled('{"type":"typed_command","id":"a","command":"', "c", '"}')
    yield _filled('{"type":"error","message":"', "plx_secret0123456789 ", '"}')
    yield _filled("", "x", "")
    yield _filled("", "\u00e9", "")[: MAX_SIZE // 2]
    yield b"\0" * MAX_SIZE
