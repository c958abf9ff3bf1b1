"""What a person gives a board by the page or the serial port, checked, until it is saved."""

import os

from .. import atomic_json
from .. import config as configuration
from ..config import Config, ConfigError, redacted

# The fields, and the most bytes of each.
FIELDS = {
    "wifi_ssid": 32,
    "wifi_password": 64,
    "api_key": 256,
    "source_id": 256,
    "endpoint": 256,
    "board": 40,
}

_MAX_PROFILE_BYTES = 16384
_MOST_NETWORKS = 8


class Draft:
    """Fields in addition to `base`, the configuration that there is (a dict, or None).

    profile: the board's, a dict or None. boards: the directory of the profiles to choose from, if
    there is one. Nothing is written before save().
    """

    def __init__(
        self,
        base=None,
        profile=None,
        path=configuration.PATH,
        boards="boards",
        profile_path="board.json",
    ):
        self.base = base or {}
        self.profile = profile or {}
        self.values = {}
        self._path = path
        self._boards = boards
        self._profile_path = profile_path

    def clear(self):
        """Forget what was given."""
        self.values = {}

    def set(self, field, value):
        """Take a value (str). ConfigError, "field: words" without the value, if it will not do.

        An empty password says that the network has none.
        """
        if field not in FIELDS:
            raise ConfigError("field: unknown; give one of " + ", ".join(sorted(FIELDS)))
        if field == "board":
            if value not in self.boards():
                raise ConfigError("board: there is no profile of that name on this device")
            if value != self.profile.get("name"):
                self._load(value)
        elif value or field != "wifi_password":
            probe = {"api_key": "x", "source_id": "x"}
            if field == "wifi_ssid":
                probe["wifi"] = [{"ssid": value}]
            elif field == "wifi_password":
                probe["wifi"] = [{"ssid": "x", "password": value}]
            else:
                probe[field] = value
            message = None
            try:
                configuration.check(probe)
            except ConfigError as error:
                message = str(error)
            if message:
                raise ConfigError(field + ": " + message.partition(": ")[2])
        self.values[field] = value

    def boards(self):
        """The names of the boards that can be chosen, sorted; the present one is among them."""
        names = set()
        try:
            for name in os.listdir(self._boards):
                if name[-5:] == ".json" and name != "schema.json":
                    names.add(name[:-5])
        except OSError:
            pass  # a board that was deployed for itself alone
        if "name" in self.profile:
            names.add(self.profile["name"])
        return sorted(names)

    def complete(self):
        """The whole configuration, a Config. ConfigError names the field that is missing."""
        values = self.values
        # A copy: MicroPython's dict() takes no subclass of dict.
        whole = Config(redacted(self.base, None))
        for field in ("api_key", "source_id", "endpoint"):
            if field in values:
                whole[field] = values[field]
        whole["wifi"] = self._networks()
        if not whole["wifi"] and "ethernet" not in self.profile:
            raise ConfigError("wifi_ssid: missing; the name of the network to join")
        configuration.check(whole)
        return whole

    def save(self):
        """Replace the board's profile, if another was chosen, and the configuration.

        ConfigError: nothing was changed. OSError: it could not be written. Each of the two files
        is the old or the new one after a power cut.
        """
        whole = self.complete()
        board = self.values.get("board")
        if board and board != self.profile.get("name"):
            profile = self._load(board)
            atomic_json.store(self._profile_path, profile)
            self.profile = profile
        configuration.save(whole, self._path)
        self.base = whole
        self.clear()

    def _networks(self):
        # Those that there are, the one that was given first.
        values = self.values
        networks = [Config(network) for network in redacted(self.base.get("wifi", ()), None)]
        if "wifi_ssid" not in values:
            if values.get("wifi_password"):
                raise ConfigError("wifi_ssid: missing; the network that the password is for")
            return networks
        first = Config(ssid=values["wifi_ssid"])
        for network in networks:
            if network["ssid"] == first["ssid"]:
                first = network
                networks.remove(network)
                break
        if "wifi_password" in values:
            first.pop("password", None)
            if values["wifi_password"]:
                first["password"] = values["wifi_password"]
        return [first] + networks[: _MOST_NETWORKS - 1]

    def _load(self, board):
        try:
            profile = atomic_json.load("%s/%s.json" % (self._boards, board), _MAX_PROFILE_BYTES)
        except (OSError, ValueError):
            profile = None
        if not isinstance(profile, dict) or profile.get("name") != board:
            raise ConfigError("board: its profile cannot be read; deploy it again")
        mine = self.profile.get("mcu", profile.get("mcu"))
        if profile.get("mcu") != mine:
            raise ConfigError("board: it has another chip than this one, which is an " + mine)
        return profile
