"""A board that waits at its serial port, for tests: micropython -m console_program DIRECTORY"""

import asyncio
import sys

from firmware.setup.console import Console
from firmware.setup.draft import Draft


async def main(directory):
    done = asyncio.Event()
    draft = Draft(None, {"name": "mine"}, directory + "/plexus.json", directory + "/boards")
    task = asyncio.create_task(Console(draft, lambda: "waiting", done.set).run())
    await done.wait()
    task.cancel()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
