"""How often something may happen: a rate, and what counts against it."""

import math
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """So many a second in the long run, and `burst` of them at once."""

    per_s: float
    burst: int = 1


class Bucket:
    """Holds `burst` tokens at first, and gets `per_s` a second for as long as it is not full."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._tokens = float(rate.burst)
        self._filled_s = time.monotonic()

    def take(self) -> bool:
        """Whether there was a token to take."""
        now_s = time.monotonic()
        gained = (now_s - self._filled_s) * self._rate.per_s
        self._tokens = min(self._rate.burst, self._tokens + gained)
        self._filled_s = now_s
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def wait_s(self) -> int:
        """Whole seconds after which there is a token again, at least 1."""
        return max(1, math.ceil((1 - self._tokens) / self._rate.per_s))
