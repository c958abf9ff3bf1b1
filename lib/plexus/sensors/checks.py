"""Checks of a driver's options; needed once, when it is made."""


def choice(option, value, choices):
    """The index of an option's value among the choices; else a ValueError that names them."""
    # True is equal to 1, and is not meant by it.
    if isinstance(value, bool) or value not in choices:
        names = ", ".join([repr(each) for each in choices[:-1]])
        raise ValueError("%s: %r; give %s or %r" % (option, value, names, choices[-1]))
    return choices.index(value)


def check_flag(option, value):
    """ValueError, naming the option, unless its value is True or False."""
    if not isinstance(value, bool):
        raise ValueError("%s: %r; give True or False" % (option, value))


def check_number(option, value, minimum=-1000000000, maximum=1000000000):
    """ValueError, naming the option, unless its value is a number, finite, in this range."""
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (good and minimum <= value <= maximum):  # which NaN is not
        raise ValueError("%s: %r; give a number from %s to %s" % (option, value, minimum, maximum))


def check_whole(option, value, minimum, maximum):
    """The same for an int."""
    if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
        raise ValueError(
            "%s: %r; give a whole number from %d to %d" % (option, value, minimum, maximum)
        )
