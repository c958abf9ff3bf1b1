"""The heap that imports keep."""

from board_common import say, start, system, used


def main(given, modules):
    """Say the heap in use before, and after each of the modules."""
    start(given)
    say("", used(), *system())
    for name in modules:
        module, _, attribute = name.partition(":")
        found = __import__(module, None, None, (attribute,) if attribute else ())
        if attribute:
            getattr(found, attribute)
        found = None
        say(name, used(), *system())
