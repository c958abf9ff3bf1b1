"""The device side of the dashboard's WebSocket: streams, sessions, commands."""
# A command of your own: Agent.command(). The firmware's commands: firmware/device_commands.py.
# A message of the protocol: its kind in kinds.py, its method in dispatcher.py.
