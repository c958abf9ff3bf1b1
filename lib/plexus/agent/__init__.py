"""The device side of the dashboard's WebSocket: streams, sessions, commands."""
