"""What a WebSocket connection raises."""


class WebSocketError(OSError):
    """What went wrong, in words; `status` is the HTTP status that refused the handshake, or 0."""

    def __init__(self, message, status=0):
        super().__init__(message)
        self.status = status
