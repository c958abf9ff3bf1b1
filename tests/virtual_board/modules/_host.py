"""A virtual board's line to the computer: what its modules ask for, and the world around it.

The world is what the test has set (VirtualBoard.set), a dict:

    networks         {ssid: {"password": str or None, "rssi": dBm, "channel": n, "hidden": bool}}
    join_ms          how long the radio takes to join one
    dhcp             false: it is joined, but gets no address
    link_dead        true: connected, but nothing passes
    radio_fault      connect() raises "Wifi Internal Error" until "disconnect" (is called),
                     "restart" (of the radio) or "reset" (of the chip); None: it works
    lan              None, or {"cable": bool, "address": str} for network.LAN
    dns              {name: address in 127.0.0.0/8}; other names are unknown but "localhost"
    routes           {"host:port": "host:port"}: where that is to be found instead
    dns_timeout_ms   how long a look-up blocks when nothing passes
    simulated        true: the sensors of boards/simulated.json (models/world.py)
    sensors          [{"model": module of tests/models, "bus": "i2c0", "address": 118} or "bus":
                     "uart1", "spi1" (and "cs"), "pin" (and "pin": one-wire chips and DHTs); besides
                     "options" for the constructor, and "set": {attribute: value}]
    bus_faults       {"i2c0": {"stuck": bool, "absent": [addresses]}}
    pins             {"4": 0, 1, None or {"uv": microvolts}}: levels from outside
    sleep_scale      by which the time of deep and light sleep is multiplied
    cut_after_writes the power is cut in the middle of so many-th write to the flash
    chip_temperature, idf_heap_free
"""

import _thread
import json
import sys

import vfs

_posix = vfs.VfsPosix()
_seen = bytearray(8)
_now = bytearray(8)
_numbers = [0]
_answers = {}
_come = bytearray()  # of the next answer
_listeners = []
_world = {}
start = {}  # what the computer says at the start
kept = {}  # what outlives some resets


class _Lock:
    """May be taken again by the thread that has it: a timer's callback runs inside any function."""

    def __init__(self):
        self._lock = _thread.allocate_lock()
        self._owner = None
        self._depth = 0

    def __enter__(self):
        me = _thread.get_ident()
        if self._owner != me:
            self._lock.acquire()
            self._owner = me
        self._depth += 1

    def __exit__(self, kind, value, traceback):  # no *_: no memory for a tuple, no release
        self._depth -= 1
        if not self._depth:
            self._owner = None
            self._lock.release()


_asking = _Lock()
_telling = _Lock()
_looking = _Lock()


def connect(replies, requests):
    global _in, _out, _generation
    _in = _posix.open("/dev/fd/%d" % replies, "rb")
    _out = _posix.open("/dev/fd/%d" % requests, "wb")
    start.update(json.loads(_in.readline()))
    kept.update(start.pop("kept"))
    _generation = open_file("world.generation")
    world()


def open_file(name, mode="rb"):
    """A file in the board's directory on the computer."""
    return _posix.open(start["directory"] + "/" + name, mode)


def rename(old, new):
    _posix.rename(start["directory"] + "/" + old, start["directory"] + "/" + new)


def exists(name):
    try:
        _posix.stat(start["directory"] + "/" + name)
    except OSError:
        return False
    return True


def tell(op, **message):
    message["op"] = op
    with _telling:
        _out.write(json.dumps(message) + "\n")


def tell_line(line):
    """A message that is ready: this needs no memory."""
    _out.write(line)


def ask(op, **message):
    """The computer's answer, a dict."""
    with _asking:
        _numbers[0] += 1
        id = message["id"] = _numbers[0]
        tell(op, **message)
        # A callback may have read our answer, and an interrupt have left one unread.
        while id not in _answers:
            _read()
        answer = _answers.pop(id)
        if len(_answers) > 8:
            _answers.clear()
        return answer


def _read():
    # A byte of an answer. A callback may run while it is waited for, and where the code branches,
    # and read on; an interrupt may end it. So what has come is nowhere but in `_come`.
    byte = _in.read(1)
    _come.extend(byte)
    if not byte:
        raise OSError("the computer is gone")
    if byte == b"\n":
        lines = bytes(_come)
        _come[:] = b""
        for line in lines.split(b"\n"):
            if line:
                answer = json.loads(line)
                _answers[answer["id"]] = answer


def keep(name, value):
    """Let this outlive a soft reset, and if the name begins with rtc_ all but a loss of power."""
    kept[name] = value
    tell("keep", name=name, value=value)


def end(op, **message):
    """Have the computer end this process."""
    import time

    tell(op, **message)
    while True:
        time.sleep(10)


def world():
    """The world as it is now."""
    _generation.seek(0)
    _generation.readinto(_now)
    if _now != _seen:
        with _looking:
            _seen[:] = _now
            with open_file("world.json") as file:
                _world.update(json.load(file))
        for listener in _listeners:
            listener(_world)
    return _world


def listen(listener):
    """Call it with the world, now and when it has changed and is looked at."""
    _listeners.append(listener)
    listener(_world)


def model(name):
    """A module of tests/models. The board's program does not see where it comes from."""
    full_name = "models." + name
    if full_name not in sys.modules:
        package = __import__("models")
        if not start["mounted"]:
            __import__(full_name)
        else:
            path = package.__path__
            vfs.mount(vfs.VfsPosix(path), "/.models")
            package.__path__ = "/.models"
            try:
                __import__(full_name)
            finally:
                package.__path__ = path
                vfs.umount("/.models")
    return sys.modules[full_name]
