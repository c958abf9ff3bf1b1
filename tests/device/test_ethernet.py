"""Wired Ethernet over a simulated `network.LAN`."""

import json

from flash import Flash, Mounted

import firmware.atomic_json as atomic
from firmware.config import check, load
from firmware.ethernet import Ethernet
from links import World
from models import machine, network
from support import equal

# Of boards/wt32-eth01.json.
PINS = {
    "phy": "lan8720",
    "address": 1,
    "mdc": 23,
    "mdio": 18,
    "power_pin": {"pin": 16, "active": "high"},
    "ref_clk": 0,
    "ref_clk_mode": "in",
}
MINUTE_MS = 60000


def started(pins=PINS, **config):
    world = World()
    world.start(Ethernet, pins, config)
    return world


def connected(pins=PINS, **config):
    world = started(pins, **config)
    world.until("connected", 5000)
    return world


def test_it_is_up_with_the_cable():
    with machine.Installed():
        world = connected()
        equal(world.link.status, "Ethernet, 192.168.1.77")
        equal(world.link.address, "192.168.1.77")


def test_the_phy_is_the_profiles():
    with machine.Installed():
        connected()
        options = network.opened[0]
        equal((options["phy_type"], options["phy_addr"]), (network.PHY_LAN8720, 1))
        pins = [options[name].id for name in ("mdc", "mdio", "power", "ref_clk")]
        equal(pins, [23, 18, 16, 0])
        equal(options["ref_clk_mode"], machine.Pin.IN)


def test_a_clock_that_the_chip_gives_is_an_output():
    with machine.Installed():
        connected(dict(PINS, ref_clk=17, ref_clk_mode="out"))
        equal(network.opened[0]["ref_clk_mode"], machine.Pin.OUT)


def test_a_phy_without_a_power_pin_gets_none():
    pins = dict(PINS)
    del pins["power_pin"]
    with machine.Installed():
        connected(pins)
        assert "power" not in network.opened[0]


def test_a_power_pin_that_is_active_low_is_driven_low():
    with machine.Installed():
        connected(dict(PINS, power_pin={"pin": 16, "active": "low"}))
        assert "power" not in network.opened[0]
        equal((machine.Pin(16).mode, machine.Pin(16).value()), (machine.Pin.OUT, 0))


def test_the_hostname_is_set():
    with machine.Installed():
        connected(hostname="shed-1")
        equal(network.hostname(), "shed-1")


def test_a_static_address_is_taken():
    static = {"address": "10.1.2.3/20", "gateway": "10.1.0.1", "dns": "9.9.9.9"}
    with machine.Installed():
        network.clear()
        world = started(ethernet=static)
        network.state["lan_dhcp"] = False
        world.until("connected", 5000)
        addresses = network.LAN().ifconfig()
        equal(addresses, ("10.1.2.3", "255.255.240.0", "10.1.0.1", "9.9.9.9"))


def test_a_static_address_comes_from_a_configuration_that_is_allowed():
    config = {"api_key": "plx_x", "source_id": "a", "ethernet": {}}
    check(config)
    config["ethernet"].update({"address": "10.1.2.3/20", "gateway": "10.1.0.1"})
    flash = Flash({"plexus.json": json.dumps(config).encode()})
    with Mounted(atomic, flash):
        loaded = load()
    with machine.Installed():
        world = World()
        world.start(Ethernet, PINS, loaded)
        network.state["lan_dhcp"] = False
        world.until("connected", 5000)
        equal(world.link.address, "10.1.2.3")


def test_what_an_earlier_program_left_active_is_no_error():
    with machine.Installed():
        world = started()
        network.LAN(phy_addr=1, phy_type=network.PHY_LAN8720, mdc=23, mdio=18).active(True)
        world.until("connected", 5000)


def test_a_missing_cable_is_named():
    with machine.Installed():
        world = started()
        network.state["cable"] = False
        world.until("trouble", 25000)
        equal(world.link.problem, "Ethernet: no cable, or nothing at its other end")


def test_a_network_that_gives_no_address_is_named():
    with machine.Installed():
        world = started()
        network.state["lan_dhcp"] = False
        world.until("trouble", 25000)
        equal(world.link.problem, "Ethernet: no address came; is the DHCP server well?")


def test_a_pulled_cable_is_noticed_and_its_return_as_well():
    with machine.Installed():
        world = connected()
        world.pass_ms(MINUTE_MS)
        network.state["cable"] = False
        world.until("trouble", 1500)
        equal(world.link.problem, "Ethernet: the cable is unplugged")
        world.pass_ms(10 * MINUTE_MS)
        network.state["cable"] = True
        world.until("connected", 4000)
        equal(world.resets, 0)


def test_a_cable_is_noticed_while_the_next_try_is_far_away():
    with machine.Installed():
        world = started()
        network.state["cable"] = False
        world.draws = [1000, 2000, 4000, 8000, 16000, 32000]
        world.pass_ms(125000)
        world.until("joining")
        world.until("trouble")
        network.state["cable"] = True
        world.until("connected", 4000)


def test_a_dead_link_is_switched_off_and_on_and_then_the_board_is_reset():
    with machine.Installed():
        world = connected()
        world.pass_ms(360 * MINUTE_MS)
        world.answering = False
        world.until("trouble")
        world.until("connected")
        equal(world.called("active"), [(True,), (False,), (True,)])
        equal(world.resets, 0)
        world.until("trouble", 11 * MINUTE_MS)
        equal(world.resets, 1)


def test_an_error_of_the_driver_is_survived():
    with machine.Installed():
        world = started()
        network.faults.append(("active", OSError("ethernet enable failed")))
        world.until("trouble")
        equal(world.link.problem, "Ethernet: ethernet enable failed")
        world.until("connected", 6000)
