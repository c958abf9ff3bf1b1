"""Your WiFi and your key, for the other examples: edit it, and copy it to the board with them."""

SSID = "my-wifi"
PASSWORD = "its-password"

# Keywords of Plexus(). source_id names this device: always the same, a-z, 0-9, '.', '_' and '-'.
PLEXUS = {"api_key": "plx_xxxxx", "source_id": "esp32-001"}

# Only for own_gateway.py: your server, and the root that signed its certificate (DER or PEM).
GATEWAY = "https://gateway.local:8443/ingest"
CA_FILE = "ca.der"

# The board's profile, boards/<name>.json, for those that read sensors.
BOARD = "board.json"
