"""What a dashboard may ask of a device: the kinds of its messages."""

KINDS = (
    "start_stream",
    "stop_stream",
    "start_session",
    "stop_session",
    "configure",
    "execute",
    "cancel",
    "ping",
)
