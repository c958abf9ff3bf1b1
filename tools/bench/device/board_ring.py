"""Whether a client with a ring of some size gets its readings to the server."""

from board_common import join, say, start


def main(given, ring_bytes, readings):
    """Say how many of them it confirms."""
    start(given)
    join(given)
    from board_client import client, fill

    px = client(given, ring_bytes=ring_bytes)
    fill(px, readings)
    px.flush()
    say("confirmed", px.confirmed)
