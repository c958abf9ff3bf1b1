"""The check of a driver's option that is several of some choices; few drivers have one."""

from .checks import choice


def some(option, values, choices):
    """The indices of an option's values, a list or tuple of one or more of the choices."""
    if not isinstance(values, (list, tuple)) or not values:
        raise ValueError("%s: %r; give a list of some of %s" % (option, values, choices))
    found = [choice(option, value, choices) for value in values]
    if len(set(found)) < len(found):
        raise ValueError("%s: %r; give each once" % (option, values))
    return found
