"""The captive portal: what a phone sees, what it may post, and what becomes of it."""

import asyncio

from test_draft import BASE, Board

from firmware import button, config
from firmware.config import redacted
from firmware.setup import discovery
from firmware.setup.portal import Portal
from firmware.setup.web import Web
from models import machine, network
from models.bme280 import Model as Bme280
from models.bus import I2C
from plexus.port import get_ident, reserve, sleep_ms
from support import equal, raises

TIMEOUT_S = 90
NAME = "plexus-010203"
WIRED = {"name": "mine", "mcu": "esp32", "title": "Mine", "ethernet": {}}


class Trial:
    """What comes of joining and of asking for the key: None is good."""

    def __init__(self, joining=None, key=None):
        self.joining = joining
        self.key = key
        self.joined = []
        self.asked = []
        self.hold = False
        self.silent = False  # the server: the key is asked for until that ends

    async def join(self, whole, _network):
        self.joined.append(redacted(whole["wifi"][0], None))
        while self.hold:
            await asyncio.sleep(0.01)
        return self.joining

    def check_key(self, whole):
        self.asked.append(whole["api_key"])
        self.thread = get_ident()
        while self.silent:
            sleep_ms(5)
        return self.key


class Visitor:
    """A phone at the access point."""

    def __init__(self, portal, port):
        self.portal = portal
        self.port = port
        self.host = "127.0.0.1:%d" % port

    async def raw(self, data, where="127.0.0.1"):
        """(status, headers, body) of the answer to these bytes; None if there is none."""
        answer = b""
        writer = None
        try:
            reader, writer = await asyncio.open_connection(where, self.port)
            writer.write(data)
            await writer.drain()
            while True:
                piece = await reader.read(1024)
                if not piece:
                    break
                answer += piece
        except OSError:
            answer = b""
        finally:
            if writer:
                writer.close()
        if not answer:
            return None
        head, _, body = answer.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        return int(lines[0].split()[1]), headers, body.decode()

    async def get(self, path="/", host=None, method="GET"):
        head = "%s %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (method, path, host or self.host)
        return await self.raw(head.encode())

    async def post(self, body, host=None, origin=None, kind="application/x-www-form-urlencoded"):
        head = "POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n"
        head = head % (host or self.host, kind, len(body))
        if origin:
            head += "Origin: %s\r\n" % origin
        return await self.raw(head.encode() + b"\r\n" + body)

    async def submit(self, **values):
        """Send the form as the page has it, with other values."""
        form = {"token": self.portal.token, "network": "attic", "other": "", "wifi_password":
                "secret123", "api_key": "plx_secret", "source_id": "esp32-001"}  # fmt: skip
        form.update(values)
        pairs = ["%s=%s" % (name, quoted(form[name])) for name in form if form[name] is not None]
        return await self.post("&".join(pairs).encode(), origin="http://" + self.host)

    async def page(self):
        status, _, body = await self.get()
        equal(status, 200)
        return body

    async def idle(self):
        """Wait until no trial is under way."""
        while self.portal.stage in ("joining", "checking"):
            await asyncio.sleep(0.01)


def quoted(text):
    return "".join(["%%%02X" % byte for byte in text.encode()])


def radio():
    """The simulated module, with three networks to be heard, and an access point at localhost."""
    network.clear()
    network.air.append(network.AccessPoint("cafe", None, rssi=-75))
    network.air.append(network.AccessPoint("attic", "secret123", rssi=-50))
    network.air.append(network.AccessPoint("attic", "secret123", rssi=-80))
    network.air.append(network.AccessPoint("<b>&\"'", "secret123", rssi=-90))
    network.WLAN(network.AP_IF).addresses = ("127.0.0.1", "255.255.255.0", "127.0.0.1", "")
    return network


def visit(scratch, ports, session, trial=None, base=None, profile=None, **options):
    """Run a coroutine function with a Visitor while a portal is open; (board, result of run())."""
    board = Board(scratch, base, **({"profile": profile} if profile else {}))
    if "network" not in options:
        options["network"] = radio()
    portal = Portal(board.draft, name=NAME, port=ports.tcp, dns_port=ports.udp,
                    trial=trial or Trial(), **options)  # fmt: skip

    async def main():
        running = asyncio.create_task(portal.run())
        while not (portal.ready or running.done()):
            await asyncio.sleep(0)
        await session(Visitor(portal, ports.tcp))
        if portal.stage != "saved" and portal.left_ms():
            running.cancel()
            try:
                await running
            except asyncio.CancelledError:
                pass
            return None
        return await running

    return board, asyncio.run(main())


def test_the_page_lists_the_networks_by_their_signal(scratch, ports):
    async def session(phone):
        page = await phone.page()
        order = [page.index('value="%s' % name) for name in ("attic", "cafe", "&lt;b&gt;")]
        equal(order, sorted(order))
        equal(page.count('value="attic"'), 1)
        equal(phone.portal.networks[0], ("attic", 4, False))
        equal(phone.portal.networks[1], ("cafe", 2, True))

    visit(scratch, ports, session)


def test_names_of_networks_are_text_whatever_they_hold(scratch, ports):
    async def session(phone):
        page = await phone.page()
        assert "<b>&\"'" not in page
        assert "&lt;b&gt;&amp;&quot;&#39;" in page
        for name in (b"\xff\xfe", b"bell\x07", b"", b"\x00\x00"):
            assert name not in [entry[0].encode() for entry in phone.portal.networks]

    air = radio()
    for name in (b"\xff\xfe", b"bell\x07", b"", b"\x00\x00"):
        point = air.AccessPoint("x")
        point.ssid = name
        air.air.append(point)
    visit(scratch, ports, session, network=air)


def test_the_page_tells_which_sensors_were_found(scratch, ports):
    async def session(phone):
        page = await phone.page()
        assert "<b>BME280</b> at 0x76 on i2c0" in page
        assert "&lt;odd&gt;" in page

    visit(scratch, ports, session, sensors=[("BME280", "at 0x76 on i2c0"), ("<odd>", "")])


def test_the_access_point_is_named_after_the_board_and_open(scratch, ports):
    async def session(phone):
        point = network.WLAN(network.AP_IF)
        equal((point.active(), point.config("ssid"), point.config("security")), (True, NAME, 0))

    visit(scratch, ports, session)
    assert not network.WLAN(network.AP_IF).active()


def test_the_access_point_takes_a_password(scratch, ports):
    async def session(phone):
        settings = network.WLAN(network.AP_IF).settings
        equal((settings["authmode"], settings["password"]), (network.AUTH_WPA2_PSK, "let-me-in"))

    visit(scratch, ports, session, password="let-me-in")
    with raises(ValueError, "password"):
        Portal(None, password="short", network=network, name=NAME)


def test_the_access_points_password_is_measured_in_bytes(scratch, ports):
    async def session(phone):
        equal(network.WLAN(network.AP_IF).settings["password"], "\u00e9" * 4)

    visit(scratch, ports, session, password="\u00e9" * 4)
    for password in ("\u00e9" * 3 + "a", "\u00e9" * 32):
        with raises(ValueError, "password: write a text of 8 to 63 bytes"):
            Portal(None, password=password, network=network, name=NAME)


def test_a_phone_that_looks_for_the_internet_is_sent_to_the_page(scratch, ports):
    async def session(phone):
        for host, path in (
            ("connectivitycheck.gstatic.com", "/generate_204"),
            ("captive.apple.com", "/hotspot-detect.html"),
            ("www.msftconnecttest.com", "/connecttest.txt"),
            ("detectportal.firefox.com", "/canonical.html"),
            ("evil.example", "/"),
            (phone.host, "/generate_204"),
        ):
            status, headers, body = await phone.get(path, host)
            equal((path, status, body), (path, 303, ""))
            equal(headers["location"], "http://%s/" % phone.host)

    visit(scratch, ports, session)


def test_the_page_may_load_run_and_frame_nothing(scratch, ports):
    async def session(phone):
        _, headers, body = await phone.get()
        policy = headers["content-security-policy"]
        for part in ("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"):
            assert part in policy, policy
        equal(headers["cache-control"], "no-store")
        for word in ("<script", "src=", "url(", "@import", "//"):
            assert word not in body, word

    visit(scratch, ports, session)


def test_what_was_typed_is_tried_written_and_the_portal_ends(scratch, ports):
    trial = Trial()

    async def session(phone):
        status, headers, _ = await phone.submit()
        equal((status, headers["location"]), (303, "http://%s/" % phone.host))
        await phone.idle()
        page = await phone.page()
        assert "Saved" in page and "secret" not in page
        assert 'http-equiv="refresh"' not in page

    board, result = visit(scratch, ports, session, trial)
    equal(result, True)
    equal(trial.joined, [{"ssid": "attic", "password": "secret123"}])
    equal(trial.asked, ["plx_secret"])
    saved = config.load(board.path)
    equal((saved["api_key"], saved["source_id"]), ("plx_secret", "esp32-001"))
    equal(redacted(saved["wifi"], None), [{"ssid": "attic", "password": "secret123"}])


def test_while_it_tries_the_page_says_how_far_it_is_and_loads_itself_anew(scratch, ports):
    trial = Trial()
    trial.hold = True

    async def session(phone):
        await phone.submit()
        page = await phone.page()
        assert "Joining attic" in page and 'http-equiv="refresh"' in page
        await phone.submit(network="cafe")  # a second one is not begun
        equal(len(trial.joined), 1)
        trial.hold = False
        await phone.idle()
        await phone.page()

    visit(scratch, ports, session, trial)


def test_while_the_server_is_silent_the_page_says_that_it_is_asked(scratch, ports):
    trial = Trial()
    trial.silent = True

    async def session(phone):
        await phone.submit()
        while not trial.asked:
            await asyncio.sleep(0.01)
        page = await phone.page()
        assert "Asking Plexus" in page and 'http-equiv="refresh"' in page, page
        trial.silent = False
        await phone.idle()
        await phone.page()

    board, result = visit(scratch, ports, session, trial)
    equal(result, True)
    assert trial.thread != get_ident()


def test_without_ram_for_a_thread_the_server_is_asked_all_the_same(scratch, ports):
    async def session(phone):
        await phone.submit()
        await phone.idle()
        await phone.page()

    trial = Trial()
    before, reserve.free = reserve.free, lambda: (40000, 30000)
    try:
        _, result = visit(scratch, ports, session, trial)
    finally:
        reserve.free = before
    equal((result, trial.asked, trial.thread), (True, ["plx_secret"], get_ident()))


def test_a_hidden_network_is_named(scratch, ports):
    trial = Trial()

    async def session(phone):
        await phone.submit(network="", other="Kellerassel ä")
        await phone.idle()
        await phone.page()

    visit(scratch, ports, session, trial)
    equal(trial.joined[0]["ssid"], "Kellerassel ä")


def test_a_network_that_is_not_joined_brings_the_form_back_with_why(scratch, ports):
    trial = Trial(joining="wrong <password>")

    async def session(phone):
        await phone.submit(source_id="my-device")
        await phone.idle()
        page = await phone.page()
        assert "Wrong &lt;password&gt;." in page
        assert 'value="my-device"' in page and 'name="unchecked"' in page
        assert 'value="attic" required checked' in page
        assert "secret" not in page

    board, result = visit(scratch, ports, session, trial)
    equal((result, trial.asked), (None, []))
    with raises(OSError):
        open(board.path)


def test_a_key_that_is_refused_is_not_written(scratch, ports):
    async def session(phone):
        await phone.submit()
        await phone.idle()
        assert "The API key is refused (401)." in await phone.page()

    board, _ = visit(scratch, ports, session, Trial(key="the API key is refused (401)"))
    with raises(OSError):
        open(board.path)


def test_a_trial_for_which_there_is_no_memory_brings_the_form_back(scratch, ports):
    class Large(Trial):
        def check_key(self, whole):
            raise MemoryError

    async def session(phone):
        await phone.submit()
        await phone.idle()
        page = await phone.page()
        assert "too little memory" in page and 'name="unchecked"' in page

    visit(scratch, ports, session, Large())


def test_after_a_trial_it_may_be_saved_untried(scratch, ports):
    async def session(phone):
        await phone.submit(unchecked="1")  # the page did not offer it yet
        await phone.idle()
        equal(phone.portal.stage, "")
        # What it knows need not be typed again.
        await phone.submit(unchecked="1", wifi_password="", api_key="")
        await phone.page()

    board, result = visit(scratch, ports, session, Trial(key="could not connect"))
    equal(result, True)
    saved = config.load(board.path)
    equal(saved["api_key"], "plx_secret")
    equal(redacted(saved["wifi"], None), [{"ssid": "attic", "password": "secret123"}])


def test_the_password_of_one_network_is_not_told_to_another(scratch, ports):
    trial = Trial(joining="no access point found")

    async def session(phone):
        await phone.submit()
        await phone.idle()
        await phone.submit(network="", other="evil twin", wifi_password="")
        await phone.idle()

    visit(scratch, ports, session, trial)
    equal(trial.joined[1], {"ssid": "evil twin"})


def test_a_configured_device_keeps_what_is_not_typed(scratch, ports):
    trial = Trial()

    async def session(phone):
        page = await phone.page()
        assert 'value="old"' in page and "plx_old" not in page and "cellar-secret" not in page
        await phone.submit(network="", other="cellar", wifi_password="", api_key="",
                           source_id="old")  # fmt: skip
        await phone.idle()
        await phone.page()

    board, _ = visit(scratch, ports, session, trial, BASE)
    equal(trial.joined, [{"ssid": "cellar", "password": "cellar-secret"}])
    saved = config.load(board.path)
    equal((saved["api_key"], saved["ring_bytes"]), ("plx_old", 4096))


def test_a_board_with_a_cable_needs_no_network(scratch, ports):
    trial = Trial()

    async def session(phone):
        assert "network cable" in await phone.page()
        await phone.submit(wired="1", network=None, wifi_password="")
        await phone.idle()
        await phone.page()

    board, _ = visit(scratch, ports, session, trial, profile=WIRED)
    equal((trial.joined, trial.asked), ([], []))
    equal(list(config.load(board.path)["wifi"]), [])


def test_the_board_is_chosen_from_the_profiles(scratch, ports):
    async def session(phone):
        page = await phone.page()
        assert "<option selected>mine</option>" in page and "<option>other</option>" in page
        await phone.submit(board="foreign")
        assert "another chip" in await phone.page()
        await phone.submit(board="../../etc/passwd")
        assert "no profile" in await phone.page()
        await phone.submit(board="other")
        await phone.idle()
        await phone.page()

    board, _ = visit(scratch, ports, session)
    with open(board.profile_path) as file:
        assert '"other"' in file.read()


def test_a_field_that_will_not_do_is_named_and_nothing_is_tried(scratch, ports):
    trial = Trial()

    async def session(phone):
        for values, part in (
            ({"network": "", "other": ""}, "Choose a network"),
            ({"wifi_password": "short"}, "8 to 63"),
            ({"api_key": ""}, "Missing"),
            ({"api_key": "plx secret"}, "no key"),
            ({"source_id": "Upper Case"}, "a-z"),
        ):
            status, _, _ = await phone.submit(**values)
            page = await phone.page()
            equal((values, status, part in page), (values, 303, True))
            assert "plx secret" not in page and "short" not in page
            phone.portal.draft.clear()

    visit(scratch, ports, session, trial)
    equal(trial.joined, [])


async def _all_refused(phone, attempts):
    for status, answer in attempts:
        got = await answer
        equal(got[0], status)
    equal((phone.portal.draft.values, phone.portal.stage), ({}, ""))


def test_a_form_without_todays_token_is_refused(scratch, ports):
    async def session(phone):
        await _all_refused(
            phone,
            (
                (403, phone.submit(token="0" * 32)),
                (403, phone.submit(token="")),
                (403, phone.submit(token=None)),
            ),
        )

    visit(scratch, ports, session)


def test_a_form_of_another_site_is_refused(scratch, ports):
    async def session(phone):
        good = ("token=%s&network=attic&source_id=a&api_key=plx_1" % phone.portal.token).encode()
        await _all_refused(
            phone,
            (
                (403, phone.post(good, origin="http://evil.example")),
                (403, phone.post(good, origin="null")),
                (403, phone.post(good, host="evil.example")),
                (403, phone.post(good, kind="text/plain")),
                (403, phone.post(good, kind="multipart/form-data; boundary=x")),
            ),
        )

    visit(scratch, ports, session)


def test_a_form_that_no_browser_sends_is_refused(scratch, ports):
    async def session(phone):
        token = "token=" + phone.portal.token
        for body in ("&network=a&network=b", "&network=%FF", "&network=a%00", "&network=%zz",
                     "&other=" + "x" * 33, "&evil=1", "&network=%ED%A0%80"):  # fmt: skip
            status, _, page = await phone.post((token + body).encode())
            equal((body, status), (body, 400))
            assert "Back to the form" in page
        equal((phone.portal.draft.values, phone.portal.stage), ({}, ""))

    visit(scratch, ports, session)


def test_a_body_that_is_too_large_is_refused(scratch, ports):
    async def session(phone):
        equal((await phone.post(b"token=" + b"x" * 5000))[0], 413)
        head = "POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: %s\r\n\r\n"
        for length in ("-1", "1e3", "", "0x10", "99999999999999999999"):
            status = (await phone.raw((head % (phone.host, length)).encode()))[0]
            equal((length, status), (length, 400))
        assert await phone.page()

    visit(scratch, ports, session)


def test_what_is_no_http_is_refused_in_bounded_memory(scratch, ports):
    async def session(phone):
        host = "Host: %s\r\n" % phone.host
        for data, status in (
            (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),  # TLS
            (b"GET / HTTP/1.1\r\nno header\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: \xff\r\n\r\n", 400),
            (b"GET http://x/ HTTP/1.1\r\n\r\n", 400),
            (b"GET  HTTP/1.1\r\n\r\n", 400),
            (("POST / HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n\r\n" % host).encode(), 400),
            (("DELETE / HTTP/1.1\r\n%s\r\n" % host).encode(), 405),
            (("POST /x HTTP/1.1\r\n%s\r\n" % host).encode(), 404),
        ):
            got = await phone.raw(data)
            equal((data, got and got[0]), (data, status))
        got = await phone.raw(b"GET / HTTP/1.1\r\nX: " + b"x" * 4200)
        equal(got[0], 431)
        assert await phone.page()

    visit(scratch, ports, session)


def test_each_method_and_path_that_has_no_use_gets_an_answer(scratch, ports):
    async def session(phone):
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "get", "BREW"):
            for path, status in (("/scan", 405), ("/", 405), ("/x", 404)):
                if (method, path) != ("POST", "/"):
                    got = await phone.get(path, method=method)
                    equal((method, path, got[0]), (method, path, status))
                    assert "Open http://%s/" % phone.host in got[2]
            equal((await phone.get("/", "evil.example", method))[0], 403)
        assert await phone.page()

    visit(scratch, ports, session)


def test_who_is_refused_reads_why_though_more_was_sent(scratch, ports):
    async def session(phone):
        post = b"POST / HTTP/1.1\r\nContent-Length: 60000\r\n\r\n"
        for data, status, word in (
            (b"GET / HTTP/1.1\r\nX: " + b"x" * 60000, 431, "more headers"),
            (post + b"x" * 60000, 413, "more than this form"),
            (b"\r\n\r\n" + b"x" * 60000, 400, "no HTTP"),
        ):
            got = await phone.raw(data)
            equal((got and got[0], word in got[2]), (status, True))
        assert await phone.page()

    visit(scratch, ports, session)


def test_one_who_sends_without_end_is_left(scratch, ports):
    async def session(phone):
        _, writer = await asyncio.open_connection("127.0.0.1", phone.port)
        sent = 0
        try:
            for _ in range(1000):
                writer.write(b"x" * 1000)
                await asyncio.wait_for(writer.drain(), 5)
                sent += 1
                await asyncio.sleep(0.01)
        except (OSError, asyncio.TimeoutError):
            pass  # the connection is gone
        assert sent < 1000
        equal(len(phone.portal._web._clients), 0)
        writer.close()

    visit(scratch, ports, session)


def test_a_request_that_comes_slowly_is_answered(scratch, ports):
    async def session(phone):
        reader, writer = await asyncio.open_connection("127.0.0.1", phone.port)
        for byte in ("GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % phone.host).encode():
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.005)
        equal(await reader.readline(), b"HTTP/1.0 200 \r\n")
        writer.close()

    visit(scratch, ports, session)


def test_a_request_for_which_there_is_no_memory_is_answered(scratch, ports):
    def full(values=None):
        raise MemoryError

    async def session(phone):
        page, phone.portal.page = phone.portal.page, full
        status, _, body = await phone.get()
        equal((status, "memory" in body), (503, True))
        phone.portal.page = page
        assert await phone.page()

    visit(scratch, ports, session)


def test_connections_that_say_nothing_make_room_for_one_that_does(scratch, ports):
    async def session(phone):
        silent = []
        for _ in range(12):
            silent.append(await asyncio.open_connection("127.0.0.1", phone.port))
            silent[-1][1].write(b"GET / HT")
            await silent[-1][1].drain()
        assert await phone.page()
        assert len(phone.portal._web._clients) <= 6
        for _, writer in silent:
            writer.close()

    visit(scratch, ports, session)


def test_a_client_that_is_too_slow_is_left(scratch, ports):
    async def session(phone):
        equal(await phone.raw(b"GET / HTTP/1.1\r\n"), None)

    before, Web.CLIENT_MS = Web.CLIENT_MS, 50
    visit(scratch, ports, session)
    Web.CLIENT_MS = before


def test_only_who_is_at_the_access_point_gets_the_page(scratch, ports):
    async def session(phone):
        # Another address of this machine, as that in the network that it joins.
        request = ("GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % phone.host).encode()
        equal(await phone.raw(request, "127.0.0.2"), None)
        assert await phone.raw(request)

    visit(scratch, ports, session)


def test_a_look_at_the_head_of_the_page_gets_no_body(scratch, ports):
    async def session(phone):
        status, _, body = await phone.get(method="HEAD")
        equal((status, body), (200, ""))

    visit(scratch, ports, session)


def test_the_portal_closes_when_its_time_is_over(scratch, ports):
    async def session(phone):
        pass

    board, result = visit(scratch, ports, session, timeout_s=0)
    equal(result, False)
    assert not network.WLAN(network.AP_IF).active()


def test_the_networks_can_be_looked_for_again(scratch, ports):
    async def session(phone):
        network.air.append(network.AccessPoint("new one", "secret123"))
        equal((await phone.get("/scan"))[0], 303)  # at once again: it blocks, so it does not
        assert "new one" not in await phone.page()
        phone.portal._scanned -= 20000
        equal((await phone.get("/scan"))[0], 303)
        assert "new one" in await phone.page()

    visit(scratch, ports, session)


def test_a_radio_that_cannot_scan_leaves_a_name_to_type(scratch, ports):
    async def session(phone):
        assert 'id="other" required checked' in await phone.page()

    air = radio()
    air.faults.append(("scan", OSError("Wifi Internal Error")))
    visit(scratch, ports, session, network=air)


def test_the_sensors_are_those_of_the_profile_and_of_the_buses():
    chips = I2C()
    chips.attach(Bme280(), 0x76)

    class Carrier:
        profile = {
            "sensors": [{"driver": "max17048"}],
            "i2c": [{"name": "i2c0"}, {"name": "i2c1"}],
        }

        def bus(self, kind, name):
            if name == "i2c1":
                raise OSError("stuck")
            return chips

    equal(
        discovery.sensors(Carrier()),
        [("max17048", "on the board"), ("BME280", "at 0x76 on i2c0"),
         ("i2c1", "cannot be read: stuck")],
    )  # fmt: skip


def test_the_button_opens_it_only_if_it_is_held():
    for active, pressed in (("low", 0), ("high", 1)):
        profile = {"buttons": [{"name": "boot", "pin": 9, "active": active}]}
        with machine.Installed() as board:
            pin = board.Pin(9)
            pin.drive(1 - pressed)
            equal(asyncio.run(button.held(profile, 100, 60)), False)
            pin.drive(pressed)
            equal(asyncio.run(button.held(profile, 100, 60)), True)
    equal(asyncio.run(button.held({"buttons": []})), False)
