"""WiFi over a simulated `network` module: which network, what is said, and how it is mended."""

from firmware.wifi import WiFi
from links import World
from models import network
from models.network import AccessPoint
from plexus.port import reserve
from support import equal, only, raises, wait_until

ATTIC = {"ssid": "attic", "password": "attic secret"}
BARN = {"ssid": "barn", "password": "barn secret"}
CELLAR = {"ssid": "cellar", "password": "cellar secret"}
MINUTE_MS = 60000
DEAD_MS = 5 * MINUTE_MS
HOUR_MS = 60 * MINUTE_MS


def point(entry, rssi=-60, **more):
    return AccessPoint(entry["ssid"], entry.get("password"), rssi, **more)


def started(*networks, config=None, **options):
    """A world with a WiFi of these networks in it, before it runs."""
    world = World()
    config = dict(config or {}, wifi=list(networks))
    world.start(WiFi, config, in_thread=world.in_thread, **options)
    return world


def tried(world):
    """The names of the networks in the order in which they were tried."""
    return [ssid for ssid, _ in world.called("connect")]


def station():
    return network.WLAN(network.STA_IF)


# Joining


def test_it_joins_a_network():
    world = started(ATTIC)
    network.air.append(point(ATTIC, -61))
    equal(world.link.state, "idle")
    world.pass_ms(0)
    equal(world.link.state, "joining")
    world.until("connected", 3000)
    equal(world.link.address, "192.168.1.77")
    equal(world.link.status, "attic, 192.168.1.77, -61 dBm")
    equal(world.link.problem, None)


def test_it_joins_a_network_without_a_password():
    world = started({"ssid": "cafe"})
    network.air.append(AccessPoint("cafe"))
    world.until("connected", 3000)


def test_the_first_of_those_heard_is_joined_though_another_is_louder():
    world = started(ATTIC, BARN)
    network.air.extend([point(BARN, -40), point(ATTIC, -70)])
    world.until("connected", 6000)
    equal(world.link.name, "attic")


def test_a_network_hardly_heard_comes_after_one_heard_well():
    world = started(ATTIC, BARN)
    network.air.extend([point(ATTIC, -88), point(BARN, -70)])
    world.until("connected", 6000)
    equal(world.link.name, "barn")


def test_of_networks_hardly_heard_the_loudest_is_joined():
    world = started(ATTIC, BARN)
    network.air.extend([point(ATTIC, -92), point(BARN, -87)])
    world.until("connected", 6000)
    equal(world.link.name, "barn")


def test_of_a_networks_access_points_the_loudest_is_joined():
    world = started(ATTIC, BARN)
    far, near = b"\x02\x00\x00\x00\x00\x0f", b"\x02\x00\x00\x00\x00\x0e"
    network.air.extend([point(ATTIC, -80, bssid=far), point(ATTIC, -50, bssid=near)])
    world.until("connected", 6000)
    equal(world.called("connect"), [("attic", near)])


def test_if_the_loudest_access_point_is_ill_another_is_joined_the_next_time():
    world = started(ATTIC, BARN)
    full = point(ATTIC, -50, bssid=b"\x02\x00\x00\x00\x00\x0f", refuses=5)
    network.air.extend([point(ATTIC, -80), full])
    world.until("connected", 2 * MINUTE_MS)
    equal(world.link.name, "attic")


def test_a_hidden_network_is_tried_though_no_scan_shows_it():
    world = started(ATTIC, BARN)
    network.air.append(point(BARN, hidden=True))
    world.until("connected", MINUTE_MS)
    equal(world.link.name, "barn")


def test_networks_that_are_not_heard_are_tried_last():
    world = started(ATTIC, BARN, CELLAR)
    network.air.append(point(CELLAR))
    network.air[0].password = "changed"
    world.until("trouble")
    equal(tried(world), ["cellar", "attic", "barn"])


def test_a_single_network_that_is_heard_well_is_joined_without_a_scan():
    world = started(ATTIC)
    network.air.append(point(ATTIC, -75))
    world.until("connected")
    equal(world.called("scan"), [])


FAR, NEAR = b"\x02\x00\x00\x00\x00\x0f", b"\x02\x00\x00\x00\x00\x0e"


def weak(near_dbm, config=None, **near):
    """A world whose radio hears a weak access point of its single network first."""
    world = started(ATTIC, config=config)
    network.air.extend([point(ATTIC, -88, bssid=FAR), point(ATTIC, near_dbm, bssid=NEAR, **near)])
    return world


def test_a_weak_access_point_is_left_for_a_stronger_one_of_the_same_network():
    for config in (None, {"sleep": {"interval_s": 60}}):
        world = weak(-45, config)
        world.until("connected", 8000)
        equal(world.called("connect"), [("attic", None), ("attic", NEAR)])
        equal(world.link.status, "attic, 192.168.1.77, -45 dBm")


def test_a_weak_access_point_is_kept_where_no_other_is_much_stronger():
    world = weak(-81)
    world.until("connected", 8000)
    equal(world.called("connect"), [("attic", None)])
    equal(len(world.called("scan")), 1)


def test_a_battery_node_looks_for_another_access_point_where_there_is_hardly_a_link():
    world = started(ATTIC, config={"sleep": {"interval_s": 60}})
    network.air.extend([point(ATTIC, -84, bssid=FAR), point(ATTIC, -45, bssid=NEAR)])
    world.until("connected", 3000)
    equal(world.called("scan"), [])


def test_if_the_stronger_access_point_is_ill_the_weak_one_is_joined_again():
    world = weak(-45, refuses=5)
    world.until("connected", MINUTE_MS)
    equal([bssid for _, bssid in world.called("connect")], [None, NEAR, None])


def test_a_weak_link_outlives_a_scan_that_fails():
    world = weak(-45)
    network.faults.append(("scan", MemoryError()))
    world.until("connected", 8000)
    equal(world.called("connect"), [("attic", None)])


def test_a_network_whose_name_is_not_ascii_is_found():
    world = started(BARN, {"ssid": "café ☕"})
    network.air.append(AccessPoint("café ☕"))
    world.until("connected", 6000)
    equal(tried(world), ["café ☕"])


def test_what_an_earlier_program_left_connecting_is_no_error():
    # The radio lives through a soft reset, and then refuses both connect() and config().
    world = started(ATTIC)
    station().active(True)
    station().connect("gone", "gone")
    world.now_ms += 100
    network.air.append(point(ATTIC))
    world.until("connected", 5000)
    equal(world.called("active"), [(True,)])


def test_without_a_network_nothing_is_made():
    with raises(ValueError, "wifi", "ssid"):
        started()


def test_a_scan_does_not_hold_the_program():
    world = started(ATTIC, BARN)
    network.air.append(point(ATTIC, refuses=5))
    world.pass_ms(5 * MINUTE_MS)
    assert len(world.called("scan")) > 3
    equal(world.held_ms, 0)
    assert min(world.naps) > 0


def test_without_room_for_a_thread_the_program_is_held_by_the_scan():
    world = started(ATTIC, BARN)
    world.threads = False
    network.air.append(point(BARN))
    world.until("connected", 6000)
    equal((world.link.name, world.held_ms), ("barn", network.SCAN_MS))


def test_a_real_thread_brings_what_it_heard():
    world = World()
    world.start(WiFi, {"wifi": [ATTIC, BARN]})
    network.state["block"] = None
    network.air.append(point(BARN))

    def connected():
        world.pass_ms(100)
        return world.link.state == "connected"

    wait_until(connected)
    equal(tried(world), ["barn"])


def test_networks_are_joined_in_their_order_where_a_scan_finds_no_memory():
    world = started(ATTIC, BARN)
    network.air.extend([point(BARN, -40), point(ATTIC, -70)])
    network.faults.append(("scan", MemoryError()))
    world.until("connected", 6000)
    equal(tried(world), ["attic"])


def test_an_error_of_a_scan_is_one_of_the_radio():
    world = started(ATTIC, BARN)
    network.air.append(point(ATTIC))
    network.faults.append(("scan", RuntimeError("Wifi Unknown Error 0x0101")))
    world.until("trouble")
    equal(world.link.problem, "attic: Wifi Unknown Error 0x0101")
    world.until("connected", 10000)


# Hostname, country, addresses


def test_the_hostname_and_the_country_are_set():
    world = started(ATTIC, config={"hostname": "shed-1", "country": "DE"})
    network.air.append(point(ATTIC))
    world.until("connected")
    equal((network.hostname(), network.country()), ("shed-1", "DE"))


def test_a_country_that_the_radio_does_not_know_is_no_reason_to_stay_away():
    world = started(ATTIC, config={"country": "QQ"})
    network.faults.append(("country", RuntimeError("Wifi Unknown Error 0x0102")))
    network.air.append(point(ATTIC))
    world.until("connected", 3000)


STATIC = dict(ATTIC, address="10.1.2.3/20", gateway="10.1.0.1", dns="9.9.9.9")


def test_a_static_address_is_taken():
    world = started(STATIC)
    network.air.append(point(ATTIC, dhcp=False))
    world.until("connected", 3000)
    equal(station().ifconfig(), ("10.1.2.3", "255.255.240.0", "10.1.0.1", "9.9.9.9"))


def test_the_gateway_is_the_dns_server_if_none_is_given():
    static = dict(STATIC)
    del static["dns"]
    world = started(static)
    network.air.append(point(ATTIC))
    world.until("connected")
    equal(station().ifconfig()[3], "10.1.0.1")


def test_a_version_without_ifconfig_gets_its_address_by_ipconfig():
    world = started(STATIC)
    network.lacks.append("ifconfig")
    network.air.append(point(ATTIC, dhcp=False))
    world.until("connected", 3000)
    equal(station().ipconfig("addr4"), ("10.1.2.3", "255.255.240.0"))
    equal((station().ipconfig("gw4"), network.ipconfig("dns")), ("10.1.0.1", "9.9.9.9"))
    equal(world.link.address, "10.1.2.3")


def test_after_a_network_with_a_static_address_one_gets_its_own_by_dhcp():
    for lack in ("ifconfig", "ipconfig"):
        world = started(STATIC, BARN)
        network.lacks.append(lack)
        network.air.extend([point(ATTIC, refuses=5), point(BARN)])
        world.until("connected", MINUTE_MS)
        equal(world.link.address, "192.168.1.77")


# What is said


def test_an_absent_network_is_named():
    world = started(ATTIC)
    world.until("trouble", 3000)
    equal(world.link.problem, "attic: no access point found")


def test_a_wrong_password_is_named_and_not_shown():
    world = started(ATTIC)
    network.air.append(AccessPoint("attic", "another"))
    world.draws = [700]
    world.until("trouble", 4000)
    equal(world.link.status, "attic: wrong password; again in 1 s")
    world.until("joining")
    equal(world.link.status, "joining attic; last: attic: wrong password")


def test_reasons_of_a_refusal_are_words():
    for reason, words in (
        (5, "the access point is full"),
        (15, "no agreement on keys; most likely a wrong password"),
        (203, "the access point refused it"),
        (204, "no agreement on keys; most likely a wrong password"),
        (210, "no access point found whose security it knows"),
        (77, "reason 77"),
    ):
        world = started(ATTIC)
        network.air.append(point(ATTIC, refuses=reason))
        world.until("trouble", 4000)
        equal(world.link.problem, "attic: " + words)


def test_a_network_that_gives_no_address_is_named():
    world = started(ATTIC)
    network.air.append(point(ATTIC, dhcp=False))
    world.until("trouble", 25000)
    equal(world.link.problem, "attic: joined, but no address came; is its DHCP server well?")


def test_a_silent_access_point_is_given_up_for_the_next_network():
    world = started(ATTIC, BARN)
    network.air.extend([point(ATTIC, silent=True), point(BARN)])
    world.until("connected", 30000)
    equal(tried(world), ["attic", "barn"])


def test_a_silent_access_point_is_named():
    world = started(ATTIC)
    network.air.append(point(ATTIC, silent=True))
    world.until("trouble", 25000)
    equal(world.link.problem, "attic: the access point did not answer")


def test_each_network_has_its_own_reason():
    world = started(ATTIC, BARN)
    network.air.append(AccessPoint("barn", "another"))
    world.until("trouble", MINUTE_MS)
    equal(world.link.problem, "barn: wrong password; attic: no access point found")
    world.until("joining")
    world.pass_ms(2500)
    equal(world.link.status, "joining barn; last: " + world.link.problem)


def test_no_secret_is_said_or_shown():
    world = started(ATTIC, BARN)
    network.air.append(AccessPoint("barn", "another"))
    said = []
    for _ in range(600):
        world.pass_ms(100)
        said.append("%s %s %r" % (world.link.status, world.link.problem, world.link))
    assert "barn" in "".join(said)
    assert "secret" not in "".join(said)


def test_the_reason_of_the_last_try_is_not_taken_for_that_of_this_one():
    # The driver forgets a reason only when it has an address.
    world = started(ATTIC)
    world.until("trouble")
    network.air.append(point(ATTIC))
    world.until("connected", 5000)
    equal(len(world.called("connect")), 2)


# Trying again


def test_tries_are_further_and_further_apart_up_to_a_minute():
    world = started(ATTIC)
    bounds = [1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000]
    world.draws = list(bounds)
    waited = []
    for _ in bounds:
        world.until("trouble")
        waited.append(world.until("joining"))
    for wait_ms, bound_ms in zip(waited, bounds):
        assert bound_ms <= wait_ms <= bound_ms + 300, waited


def test_even_a_wait_of_nothing_lets_others_run():
    world = started(ATTIC)
    world.draws = [0] * 100
    network.faults.extend([("active", OSError("Wifi Out of Memory"))] * 50)
    world.pass_ms(MINUTE_MS)


def test_a_lost_network_is_joined_again():
    world = started(ATTIC)
    network.air.append(point(ATTIC))
    world.until("connected")
    world.pass_ms(MINUTE_MS)
    lost = network.air.pop()
    world.until("trouble", 1500)
    equal(world.link.problem, "attic: the access point went silent")
    world.pass_ms(MINUTE_MS)
    network.air.append(lost)
    world.until("connected", 2 * MINUTE_MS)
    equal(world.link.problem, None)


def test_a_lost_lease_is_a_lost_network():
    world = started(ATTIC)
    network.air.append(point(ATTIC))
    world.until("connected")
    station().addresses = ("0.0.0.0",) * 4
    world.until("trouble", 1500)
    world.until("connected", 5000)


def test_the_firmware_does_not_reconnect_behind_our_back():
    world = started(ATTIC)
    network.air.append(point(ATTIC))
    world.until("connected")
    equal(station().config("reconnects"), 0)


def test_a_network_that_goes_at_once_each_time_is_joined_less_and_less_often():
    world = started(ATTIC)
    network.air.append(point(ATTIC))
    bounds = [1000, 2000, 4000, 8000]
    world.draws = list(bounds)
    for bound_ms in bounds:
        world.until("connected")
        lost = network.air.pop()
        world.until("trouble")
        network.air.append(lost)
        assert world.until("joining") >= bound_ms


def test_after_a_steady_link_tries_are_close_again():
    world = started(ATTIC)
    world.draws = [1000, 2000, 4000, 8000, 16000]
    world.pass_ms(40000)
    network.air.append(point(ATTIC))
    world.until("connected")
    world.pass_ms(MINUTE_MS)
    world.draws = [16000]  # 985 of a bound of 1000
    lost = network.air.pop()
    world.until("trouble")
    network.air.append(lost)
    world.until("connected", 5000)


# Mending


def test_an_internal_error_is_answered_by_switching_the_radio_off_and_on():
    world = started(ATTIC)
    network.air.append(point(ATTIC))
    network.faults.append(("connect", OSError("Wifi Internal Error")))
    world.until("trouble")
    equal(world.link.problem, "attic: Wifi Internal Error")
    world.until("connected", 6000)
    equal(world.called("active"), [(True,), (False,), (True,)])
    assert 500 in world.naps  # ms that it is off


def test_an_unknown_error_of_the_radio_is_survived():
    world = started(ATTIC)
    network.air.append(point(ATTIC))
    network.faults.append(("active", RuntimeError("Wifi Unknown Error 0x0101")))
    world.until("connected", 6000)


def test_ten_errors_of_the_radio_in_a_row_reset_the_board():
    world = started(ATTIC)
    network.air.append(point(ATTIC))
    network.faults.extend([("connect", OSError("Wifi Internal Error"))] * 9)
    world.until("connected")
    network.faults.extend([("connect", OSError("Wifi Internal Error"))] * 9)
    lost = network.air.pop()
    world.until("trouble")
    network.air.append(lost)
    world.until("connected")
    equal(world.resets, 0)
    world = started(ATTIC)
    network.air.append(point(ATTIC))
    network.faults.extend([("connect", OSError("Wifi Internal Error"))] * 10)
    world.until("connected")
    equal(world.resets, 1)


def test_an_absent_network_resets_the_radio_now_and_then_but_never_the_board():
    world = started(ATTIC)
    world.pass_ms(30 * MINUTE_MS)
    assert (False,) in world.called("active")
    assert len(tried(world)) >= 5 * world.called("active").count((False,))
    equal(world.resets, 0)


def test_the_tries_before_a_steady_link_do_not_count():
    world = started(ATTIC)
    for _ in range(4):
        world.until("trouble")
        world.until("joining")
    network.air.append(point(ATTIC))
    world.until("connected")
    world.pass_ms(MINUTE_MS)
    network.air.pop()
    while len(tried(world)) < 8:
        world.pass_ms(1000)
    equal(world.called("active"), [(True,)])


def dead_link(**options):
    """A world in which a link is up, and nobody gets an answer any more."""
    world = started(ATTIC, **options)
    network.air.append(point(ATTIC))
    world.until("connected")
    world.pass_ms(MINUTE_MS)
    world.answering = False
    return world


def test_a_dead_link_is_joined_anew():
    world = dead_link()
    world.pass_ms(DEAD_MS - 2000)
    equal(world.link.state, "connected")
    world.until("trouble", 5000)
    equal(world.link.problem, "attic: no answer in 300 s")
    world.until("connected", 6000)
    equal(len(tried(world)), 2)
    equal(world.called("active"), [(True,)])


def test_a_link_dead_a_second_time_resets_the_radio():
    world = dead_link()
    world.until("trouble")
    world.until("connected")
    world.until("trouble", 11 * MINUTE_MS)
    world.until("connected")
    equal(world.called("active"), [(True,), (False,), (True,)])


def test_a_link_that_stays_dead_resets_the_board_only_once_in_six_hours():
    world = dead_link()
    world.pass_ms(6 * HOUR_MS - 2 * MINUTE_MS)
    equal(world.resets, 0)
    world.pass_ms(2 * HOUR_MS)
    equal(world.resets, 1)
    world.pass_ms(4 * HOUR_MS - 2 * MINUTE_MS)
    equal(world.resets, 1)
    world.pass_ms(4 * HOUR_MS)
    equal(world.resets, 2)


def test_a_link_over_which_nobody_asks_is_not_dead():
    world = dead_link()
    world.answering = None
    world.pass_ms(7 * HOUR_MS)
    equal(world.link.state, "connected")
    equal((len(tried(world)), world.probed), (1, []))


def test_two_requests_in_vain_are_no_dead_link():
    world = dead_link()
    world.answering = None
    world.link.alive()
    for _ in range(2):
        world.link.silent()
        world.pass_ms(2 * DEAD_MS)
    equal(len(tried(world)), 1)
    world.link.silent()
    world.until("trouble", 5000)


def test_an_answer_while_the_router_is_asked_keeps_the_link():
    world = dead_link()

    async def probe(host):
        world.probed.append(host)
        world.link.alive()
        return False

    world.link._probe = probe
    world.pass_ms(DEAD_MS + MINUTE_MS)
    equal((len(world.probed), len(tried(world))), (1, 1))


def test_a_dead_link_is_given_longer_each_time():
    world = dead_link()
    waited = []
    for _ in range(3):
        waited.append(world.until("trouble", HOUR_MS))
        world.until("connected")
    for wait_ms, min_interval_ms in zip(waited, (DEAD_MS, 2 * DEAD_MS, 4 * DEAD_MS)):
        assert min_interval_ms <= wait_ms <= min_interval_ms + 5000, waited


def test_an_answer_in_between_begins_it_all_again():
    world = dead_link()
    world.until("trouble")
    world.until("connected")
    world.link.alive()
    world.until("trouble")
    world.until("connected")
    equal(world.called("active"), [(True,)])


def test_answers_keep_a_link():
    world = dead_link()
    for _ in range(10):
        world.pass_ms(DEAD_MS - 5000)
        world.link.alive()
    equal(len(tried(world)), 1)


def test_a_server_that_is_away_is_no_dead_link_if_the_router_answers():
    world = dead_link()
    world.router = True
    world.pass_ms(60 * MINUTE_MS)
    equal(world.link.state, "connected")
    equal((len(tried(world)), world.resets), (1, 0))
    equal(world.probed, ["192.168.1.1"] * 11)


def test_a_board_that_has_lost_the_ram_for_its_connection_is_reset_though_the_router_answers():
    before = reserve.shortage
    try:
        world = dead_link()
        world.router = True
        reserve.shortage = lambda: (4, 38)
        world.pass_ms(DEAD_MS - 2000)
        equal(world.resets, 0)
        world.pass_ms(5000)
        equal(world.resets, 1)
    finally:
        reserve.shortage = before


def test_a_board_that_never_had_the_ram_for_a_connection_is_not_reset_for_it():
    before = reserve.shortage
    try:
        world = started(ATTIC)
        world.router = True
        world.answering = False
        reserve.shortage = lambda: (4, 38)
        network.air.append(point(ATTIC))
        world.pass_ms(HOUR_MS)
        equal((world.link.state, world.resets), ("connected", 0))
    finally:
        reserve.shortage = before


def test_a_board_whose_start_left_no_ram_to_join_is_reset():
    before = reserve.free
    try:
        for free, resets in ((None, 0), ((8000, 7000), 0), ((300, 200), 1)):
            reserve.free = lambda free=free: free
            world = started(ATTIC)
            world.until("trouble")
            equal(world.resets, resets)
    finally:
        reserve.free = before


def test_a_board_that_has_had_answers_is_not_reset_because_it_cannot_join():
    before = reserve.free
    try:
        world = started(ATTIC)
        network.air.append(point(ATTIC))
        world.until("connected")
        world.link.alive()
        reserve.free = lambda: (300, 200)
        network.air.clear()
        world.until("trouble")
        equal(world.resets, 0)
    finally:
        reserve.free = before


@only("cpython")  # whose stand-in for ticks_diff wraps as a board's; the Unix port's does not
def test_it_lives_through_the_wrap_of_the_ticks():
    world = World(start_ms=World.PERIOD - 3 * MINUTE_MS)
    world.start(WiFi, {"wifi": [ATTIC]})
    network.air.append(point(ATTIC))
    world.until("connected")
    world.answering = False
    world.pass_ms(DEAD_MS - 5000)
    equal(world.link.state, "connected")
    world.until("trouble", 10000)
