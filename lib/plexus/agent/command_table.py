"""The commands that a device's owner registered: a table. What runs is in command_runs.py."""

from ..port import const, unload

_COMMANDS = const(32)


class Commands:
    """Functions by name, with what the server is told of them."""

    def __init__(self):
        self._known = {}  # name: (function, description, schemas, more)

    def __contains__(self, name):
        return name in self._known

    def add(self, name, function, description, params, more):
        """See Agent.command()."""
        from .command_schema import check_command

        check_command(name, function, description, params, more)
        unload(__name__, "command_schema")  # its work is done
        if name in self._known:
            raise ValueError("name: %r is taken; give another" % name)
        if len(self._known) == _COMMANDS:
            raise ValueError("name: %d commands are the most" % _COMMANDS)
        self._known[name] = (function, description, params or {}, more)

    def names(self):
        return list(self._known)

    def described(self, name):
        """What the server is told of this one (dict)."""
        _, description, schemas, _ = self._known[name]
        return {"name": name, "description": description, "params": schemas}

    def find(self, name):
        """(function, description, schemas, more) of this one, or ValueError."""
        if name not in self._known:
            known = ", ".join(self._known) or "none"
            raise ValueError("command: no %r here; there is: %s" % (name[:40], known))
        return self._known[name]
