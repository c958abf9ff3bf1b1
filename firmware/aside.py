"""A call that takes seconds, in a thread of its own, while the program's loop goes on."""

import _thread

_POLL_S = 0.1


async def aside(function, sleep, stack_bytes, in_thread=None):
    """What function() returns or raises. Where there is no room for a thread, the loop waits.

    sleep(s): asyncio's. stack_bytes: of the thread. in_thread(function): in place of one.
    Of exceptions it carries OSError, RuntimeError, MemoryError; another ends as RuntimeError.
    """
    outcome = []

    def call():
        error = RuntimeError("the thread ended")
        value = None
        try:
            value = function()
            error = None
        except (OSError, RuntimeError, MemoryError) as problem:
            error = problem
        finally:
            outcome.append((value, error))

    try:
        (in_thread or _start)(call, stack_bytes)
    except (OSError, RuntimeError, MemoryError):
        call()
    while not outcome:
        await sleep(_POLL_S)
    value, error = outcome[0]
    if error:
        raise error
    return value


def _start(call, stack_bytes):
    _thread.stack_size(stack_bytes)
    try:
        _thread.start_new_thread(call, ())
    finally:
        _thread.stack_size(0)
