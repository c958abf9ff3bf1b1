"""Which API keys the server accepts, for requests and sockets alike."""

from tools.mock_server.contract import ContractError

KEY_PREFIX = "plx_"
# With the default "any key that starts with plx_", these show what a real key may come to.
SPECIAL_KEYS = {
    "plx_readonly": (403, "the API key lacks the permission to write"),
    "plx_unpaid": (402, "billing limit exceeded"),
}


class Keys:
    """The accepted keys: those given, or any that starts with plx_."""

    def __init__(self, accepted: tuple[str, ...] = ()) -> None:
        self._accepted = accepted
        # Those that this server has given out.
        self._given: set[str] = set()

    def accept(self, key: str) -> None:
        """From now on the key is good."""
        self._given.add(key)

    def refusal(self, key: str) -> ContractError | None:
        """Why the key is refused; None if it is accepted."""
        if key in self._given:
            return None
        if self._accepted:
            return None if key in self._accepted else ContractError("invalid API key", 401)
        if key in SPECIAL_KEYS:
            status, words = SPECIAL_KEYS[key]
            return ContractError(words, status)
        if not key.startswith(KEY_PREFIX) or key == KEY_PREFIX:
            return ContractError("invalid API key: it must start with plx_", 401)
        return None
