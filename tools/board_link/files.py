"""mpremote's file operations on a board, by way of a link: they raise the link's errors."""

from collections.abc import Callable
from typing import Any

from mpremote.transport import Transport


class Files(Transport):
    """execute, evaluate: exec() and eval() of a BoardLink."""

    def __init__(self, execute: Callable[..., str], evaluate: Callable[[str], Any]):
        self._execute = execute
        self._evaluate = evaluate

    def exec(self, command: str, data_consumer: Callable[[bytes], object] | None = None) -> None:
        self._execute(command, heard=data_consumer)

    def eval(self, expression: str) -> Any:
        return self._evaluate(expression)
