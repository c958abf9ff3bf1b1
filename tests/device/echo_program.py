"""Sends back what each case of a WebSocket test server sends: run by the conformance test.

micropython -m echo_program ws://127.0.0.1:PORT
"""

import asyncio
import sys

from plexus.websocket import connect


async def ask(url):
    """The one message of a connection, or None."""
    ws = await connect(url)
    answer = await ws.recv()
    await ws.close()
    return answer


async def echo(url):
    ws = await connect(url, max_size=1 << 25)
    message = await ws.recv()
    while message is not None:
        try:
            await ws.send(message)
        except OSError:
            break  # the server has ended the connection, as some cases do
        message = await ws.recv()
    await ws.close()


async def main(server):
    for case in range(1, int(await ask(server + "/getCaseCount") or 0) + 1):
        await echo(server + "/runCase?agent=plexus&case=%d" % case)
    await ask(server + "/updateReports?agent=plexus")


asyncio.run(main(sys.argv[1]))
