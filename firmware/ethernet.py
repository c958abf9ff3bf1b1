"""Wired Ethernet: network.LAN over the board's PHY."""

from plexus.port import const

from .interface import Interface

_CONNECTED = const(3)  # network.ETH_CONNECTED: there is a cable, and no address yet
_DISCONNECTED = const(4)


class Ethernet(Interface):
    """Ethernet(profile["ethernet"], {"hostname": ...}).

    A static address is in the configuration's "ethernet", with the keys that a network of WiFi
    has for it; without, there is DHCP.

    Of the other arguments and of the attributes, see Interface.
    """

    _REJOINS = 0  # there is nothing less than off and on

    def __init__(self, pins, config, *arguments, **options):
        super().__init__(config, *arguments, **options)
        self._pins = pins
        self.name = "Ethernet"

    def _open(self):
        from machine import Pin

        pins, network = self._pins, self._network
        options = {}
        power = pins.get("power_pin")
        if power and power.get("active") == "low":
            # The driver takes it for a reset, which it leaves high.
            Pin(power["pin"], Pin.OUT, value=0)
        elif power:
            options["power"] = Pin(power["pin"])
        return network.LAN(
            mdc=Pin(pins["mdc"]),
            mdio=Pin(pins["mdio"]),
            phy_type=getattr(network, "PHY_" + pins["phy"].upper()),
            phy_addr=pins["address"],
            ref_clk=Pin(pins["ref_clk"]),
            ref_clk_mode=Pin.IN if pins["ref_clk_mode"] == "in" else Pin.OUT,
            **options,
        )

    async def _join(self):
        self._set_address(self._config.get("ethernet", {}))
        return None if await self._come_up(lambda: False) else self._named(self._why())

    def _why(self):
        status = self._nic.status()
        if status == _CONNECTED:
            return "no address came; is the DHCP server well?"
        if status == _DISCONNECTED:
            return "the cable is unplugged"
        return "no cable, or nothing at its other end"
