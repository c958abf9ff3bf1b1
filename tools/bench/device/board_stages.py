"""The system's heap on the way from the start to a connection that is kept."""

from board_common import join, say, start, system, used


def boot(given):
    """The system's heap before anything uses it."""
    start(given)
    say("boot", used(), *system())


def stages(given):
    """The system's heap on the way from the start to a connection that is kept."""
    start(given)
    say("boot", used(), *system())
    import network

    network.WLAN(network.STA_IF).active(True)
    say("WiFi active", used(), *system())
    join(given)
    say("joined", used(), *system())
    from plexus import Plexus  # noqa: F401 -- to see what it takes

    say("imported", used(), *system())
    from board_client import client, fill

    px = client(given, keep_alive=True)
    say("client made", used(), *system())
    fill(px, 1)
    say("before the handshake", used(), *system())
    px.flush()
    say("connected", used(), *system())
