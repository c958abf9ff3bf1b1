"""What happens on a virtual board before and around boot.py and main.py."""

import gc
import io
import sys

import _host
import vfs


class Flash:
    """The block device of the file system: an image on the computer."""

    def __init__(self, blocks, block_size):
        self._blocks = blocks
        self._block_size = block_size
        self._file = _host.open_file("flash.img", "r+b")
        self._left = None  # writes until the power is cut

    def readblocks(self, block, buffer, offset=0):
        self._file.seek(block * self._block_size + offset)
        self._file.readinto(buffer)

    def writeblocks(self, block, buffer, offset=None):
        cut = self._cut()
        if offset is None:
            offset = 0
        self._file.seek(block * self._block_size + offset)
        if cut:
            self._file.write(memoryview(buffer)[: len(buffer) // 2])
            _host.end("cut")
        self._file.write(buffer)

    def ioctl(self, operation, argument):
        if operation == 4:
            return self._blocks
        if operation == 5:
            return self._block_size
        if operation == 6:
            cut = self._cut()
            self._file.seek(argument * self._block_size)
            if cut:
                self._file.write(b"\xff" * (self._block_size // 2))
                _host.end("cut")
            self._file.write(_ERASED)
            return 0

    def is_blank(self):
        """Whether it was never formatted."""
        first = bytearray(self._block_size)
        self.readblocks(0, first)
        return first == _ERASED

    def _cut(self):
        after = _host.world()["cut_after_writes"]
        if after is None:
            self._left = None
            return False
        if self._left is None:
            self._left = after
        self._left -= 1
        return self._left == 0


_ERASED = b"\xff" * 4096


def run(replies, requests, names):
    """Everything up to the prompt. names: the globals of the board's program."""
    del names["_board"]
    _host.connect(replies, requests)
    # It becomes the terminal that Ctrl-C comes from.
    _host._posix.open(_host.start["tty"], "rb").close()
    _host.start["mounted"] = False
    _install()
    flash = Flash(_host.start["blocks"], _host.start["block_size"])
    gc.collect()
    _host.ask("ready", used=gc.mem_alloc())
    try:
        _mount(flash)
        _host.start["mounted"] = True
        sys.path[:] = ["", ".frozen"]
        if _host.start["romfs_blocks"]:
            sys.modules["_romfs"].mount()
        sys.path.append("/lib")
        del sys.argv[:]
        if _execute("boot.py", names) and not _host.start["raw_repl"]:
            _execute("main.py", names)
    except KeyboardInterrupt:
        pass
    gc.collect()
    _host.ask("repl")


def _install():
    # Those that an ESP32's firmware has, in place of the Unix port's or in addition. They are
    # loaded here, as nothing outside the board's file system can be later.
    # What is built in and cannot be replaced by a file is put in its place.
    sys.modules["micropython"] = __import__("_micropython")
    for name in ("os", "time", "machine", "network", "socket", "esp", "esp32", "neopixel"):
        __import__(name)
    for name in ("onewire", "ds18x20", "dht"):
        sys.modules[name] = _host.model(name)
    import _sensors

    _sensors.start()
    if _host.start["romfs_blocks"]:
        import _romfs

        _romfs.install()


def _mount(flash):
    vfs.umount("/")
    blank = flash.is_blank()
    if blank:
        # As the firmware does when it finds an erased flash.
        print("Performing initial setup")
        vfs.VfsLfs2.mkfs(flash, readsize=32, progsize=32, lookahead=32)
    try:
        system = vfs.VfsLfs2(flash, readsize=32, progsize=32, lookahead=32)
    except OSError:
        print("The file system is no LittleFS of %d blocks." % _host.start["blocks"])
        return
    vfs.mount(system, "/")
    if blank:
        with open("/boot.py", "w") as file:
            file.write("# This file is executed on every boot (including wake from deep sleep).\n")


def _execute(name, names):
    """Run a file, if there is one; False if it failed."""
    import os

    try:
        os.stat("/" + name)
    except OSError:
        return True
    try:
        execfile(name, names)  # noqa: F821 -- MicroPython's
    except SystemExit:
        _host.end("soft")
    except BaseException as error:  # noqa: BLE001 -- as the prompt does
        _print(error)
        return False
    return True


def _print(error):
    """The traceback without our own frames."""
    text = io.StringIO()
    sys.print_exception(error, text)
    for line in text.getvalue().splitlines():
        if not line.startswith("  File ") or "_board.py" not in line and "<stdin>" not in line:
            print(line)
