"""Ctrl-C and SIGTERM: the first one lets the demo end in order, the second one ends it at once."""

import signal
import time
from types import TracebackType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Ending:
    """Within `with`: whether somebody has asked the program to end."""

    def __init__(self) -> None:
        # Not a threading.Event: its set(), called by the handler, waits for a lock that the wait()
        # below it may be holding, and then neither goes on.
        self.asked = False

    def __enter__(self) -> "Ending":
        self._before = {number: signal.signal(number, self.ask) for number in _SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def ask(self, _number: int, _frame: object) -> None:
        """The handler. Asked twice, it does not wait for the flush: KeyboardInterrupt."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def wait(self, for_s: float) -> bool:
        """Wait so long, unless it is asked for already; returns whether it is."""
        if not self.asked:
            time.sleep(for_s)
        return self.asked
