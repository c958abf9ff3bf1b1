"""Changes a sensor while it runs: its rate, its prefix, and the options of its driver."""

from ...port import const, ticks_add, ticks_diff
from ...readings.record import check_string
from ...readings.render import string_text
from ..checks import check_whole

_LONGEST_MS = const(86400000)
_PREFIX = const(64)
_MAX_MESSAGE = const(200)
_OURS = ("sample_rate", "interval_ms", "prefix")


def configure(channel, config):
    """Change a Channel of the sampler; returns what is now in force, a dict.

    config: a dict that may come from a server, of any of
    sample_rate: reads a second (Hz), from once a day, 1/86400, to 100; the interval is the whole
    number of ms next to it. Or interval_ms, 10 to 86400000. A sensor that was added with a shorter
    interval may be as fast as that.
    prefix: what goes before its metrics, at most 64 characters.
    All other keys are options of its driver: those that its configure(**options) takes, if it has
    one, else those that its factory does. It then begins anew, as after a restart of the board.

    All of it is done, or nothing: then it is a ValueError, "<key>: what is wrong; a remedy".
    Returned are sample_rate, interval_ms, prefix, and the options that were given.
    """
    if not isinstance(config, dict):
        raise ValueError('config: no object; give one, such as {"sample_rate": 10}')
    try:
        interval_ms = _interval_ms(channel, config)
        prefix = _prefix(channel, config)
        options = {key: config[key] for key in config if key not in _OURS}
        sensor = _changed(channel, options, prefix) if options else None
    except ValueError as error:
        message = str(error)
        if (
            len(message) > _MAX_MESSAGE
        ):  # it quotes what the server has sent: its name and the remedy stay
            message = message[: _MAX_MESSAGE // 2] + "..." + message[3 - _MAX_MESSAGE // 2 :]
        raise ValueError(message)
    is_new_name = prefix != channel.prefix
    is_new_rate = interval_ms != channel.interval_ms
    channel.interval_ms = interval_ms
    channel.prefix = prefix
    if options:
        channel.restart(sensor)
    elif is_new_rate:
        _read_soon(channel)
    if is_new_name and channel.filters is not None:
        channel.filters.reset()  # what has a new name has not been sent yet
    options.update(sample_rate=1000 / interval_ms, interval_ms=interval_ms, prefix=prefix)
    return options


def _read_soon(channel):
    # Has a shorter interval hold at once, also since the last measurement.
    if channel.client is None or channel._sample is not None:
        return
    now = channel.client.ticks_ms()
    if ticks_diff(channel.due, now) > channel.interval_ms:
        rest_ms = channel.interval_ms - ticks_diff(now, channel._begun)
        channel.due = channel.slot = ticks_add(now, max(rest_ms, 0))


def _interval_ms(channel, config):
    if "interval_ms" in config:
        if "sample_rate" in config:
            raise ValueError("sample_rate: interval_ms says it as well; give one of the two")
        check_whole("interval_ms", config["interval_ms"], channel.min_interval_ms, _LONGEST_MS)
        return config["interval_ms"]
    if "sample_rate" not in config:
        return channel.interval_ms
    rate = config["sample_rate"]
    good = isinstance(rate, (int, float)) and not isinstance(rate, bool)
    # A little more at both ends, for what single precision makes of 1/86400 or 1000/3.
    if not good or not 1.1574e-5 <= rate <= 1000.5 / channel.min_interval_ms:
        maximum = 1000 // channel.min_interval_ms
        raise ValueError(
            "sample_rate: %r; give reads a second, from 1/86400 to %d" % (rate, maximum)
        )
    return min(round(1000 / rate), _LONGEST_MS)


def _prefix(channel, config):
    if "prefix" not in config:
        return channel.prefix
    prefix = config["prefix"]
    if not isinstance(prefix, str) or len(prefix) > _PREFIX:
        raise ValueError("prefix: %r; give a text of at most %d characters" % (prefix, _PREFIX))
    string_text(prefix, "prefix")  # the server must be able to read it
    known = len(channel.prefix)
    _check_names(prefix, [metric[known:] for metric in channel.metrics])
    _check_names(prefix, [channel.name + ".status"])
    return prefix


def _check_names(prefix, metrics):
    for metric in metrics:
        check_string("prefix: with the metric's name", prefix + metric)


def _changed(channel, options, prefix):
    # The sensor with these options; None if it has changed itself.
    for name, value in options.items():
        if isinstance(value, float) and value - value != 0:
            raise ValueError("%s: %r; give a finite number" % (name, value))
    sensor = channel.sensor
    try:
        if hasattr(sensor, "configure"):
            sensor.configure(**options)
            return None
        if channel.factory is not None:
            given = dict(channel.options or ())
            given.update(options)
            made = channel.factory(**given)
            _check_names(prefix, getattr(made, "METRICS", None) or ())
            channel.options = given
            return made
    except ValueError:
        raise
    except Exception as error:  # noqa: BLE001 -- of whoever wrote the driver, given whatever came
        message = "%s: %s" % (type(error).__name__, error)
        named = [name for name in options if "'%s'" % name in message] or options
        raise ValueError(
            "%s: %s does not take it (%s); docs/sensors.md lists its options"
            % (", ".join(named), type(sensor).__name__, message[:80])
        )
    name = next(iter(options))
    raise ValueError("%s: this sensor has no options; give sample_rate or prefix" % name)
