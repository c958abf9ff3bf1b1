"""Runs the device's program under a net: when it crashes, that is kept, and the board restarts."""

import asyncio

from plexus.port import sleep_ms, unload

from . import repl, watchdog
from .crashes import Crashes


def run():
    """What start.main() makes, run under the net: when it fails, the board restarts.

    Ctrl-C and SystemExit end it as they do any program, and nothing else does: the watchdog is
    released for them alone.
    """
    import machine

    crashes = Crashes()
    crashes.start(machine.reset_cause())
    try:
        if _ended(crashes):
            watchdog.release()
            return
        wait_ms = crashes.restart_ms
        print(crashes.trace)
        print("plexus: restarting in %d s; Ctrl-C stops that" % (wait_ms // 1000))
        sleep_ms(wait_ms)
    except (KeyboardInterrupt, SystemExit):
        watchdog.release()
        raise
    except BaseException:  # noqa: BLE001, S110 -- no room for words; the restart needs none
        pass
    machine.reset()


def _ended(crashes):
    # True if the program has come to its end, False if it has crashed.
    try:
        from .start import main

        device = main(crashes)
        main = None
        unload("firmware", "start")
        if device:
            try:
                asyncio.run(device.run())
            finally:
                device.close()
        crashes.stopped()
        return True
    except (KeyboardInterrupt, SystemExit):
        crashes.stopped()
        raise
    except BaseException as error:  # noqa: BLE001 -- whatever it is, the board goes on
        # The heap may be full: what the program held is held by these two.
        try:
            asyncio.new_event_loop().close()
        except MemoryError:
            pass  # its first step, which lets go of the tasks, is the smallest
        device, repl.device = repl.device, None
        if device:
            device.discard()
        crashes.caught(error)
        return False
