"""The constructor's checks, what the client says of itself, and that the key is in none of it."""

from clients import KEY, SECRET, Outage, client, fill, refused, right_clock
from plexus import Clock, Plexus, PlexusError
from plexus.readings.buffer import BufferFull
from support import Admin, equal, raises

SHORT_NAMES = True


def _make(**options):
    return Plexus(KEY, "dev-1", clock=right_clock(), **options)


def _is_refused(name, *bad, parts=()):
    for value in bad:
        with raises(ValueError, name + ":", *parts) as caught:
            _make(**{name: value})
        assert SECRET not in str(caught.value)
        # It says more than that it is wrong.
        assert len(str(caught.value)) > len(name) + 15, caught.value


def test_bad_api_keys_are_refused_without_showing_them():
    for bad in ("", None, 5, b"plx_secret0123456789", "plx " + SECRET, SECRET + "\n", SECRET + "ü"):
        with raises(ValueError, "api_key:") as caught:
            Plexus(bad, "dev-1")
        assert SECRET not in str(caught.value), caught.value


def test_option_that_there_is_not_is_refused_by_its_name():
    with raises(TypeError, "flush_intervall_ms"):
        Plexus(KEY, "dev-1", flush_intervall_ms=1000)


def test_bad_source_ids_are_refused_by_the_documented_grammar():
    for bad in ("", "Upper", "a b", "a/b", "a:b", "-a", ".a", "_a", "ü", "x" * 257, None, 5):
        with raises(ValueError, "source_id:"):
            Plexus(KEY, bad)
    for good in ("a", "0", "sensor-001", "a.b_c-d", "x" * 256):
        Plexus(KEY, good, clock=right_clock(), endpoint="http://localhost/")


def test_bad_endpoints_are_refused():
    _is_refused(
        "endpoint", "", "ftp://x/y", "app.plexus.company/api/ingest", "https://", "http:///x",
        "http://user:password@host/x", "http://host:port/x", "http://ho st/x", "http://h/ü",
        "http://h/x\r\nEvil: 1", "HTTP//x", None, 5, b"http://x/y",
    )  # fmt: skip


def test_ports_that_do_not_exist_are_refused():
    _is_refused("endpoint", "http://host:0/x", "http://host:65536/x", "https://host:99999/x")


def test_bad_numbers_are_refused_with_their_bounds():
    for name, minimum, maximum in (
        ("ring_bytes", 256, 0x3FFFFFFF),
        ("flush_interval_ms", 0, 86400000),
        ("flush_fill_percent", 1, 100),
        ("batch_points", 1, 10000),
        ("timeout_ms", 1, 600000),
        ("report_interval_ms", 0, 86400000),
    ):
        bad = (minimum - 1, maximum + 1, -5, 10**30, 1000.5, "1000", True)
        if name not in ("ring_bytes", "batch_points"):  # None: what there is room for
            bad += (None,)
        _is_refused(name, *bad, parts=(str(minimum), str(maximum)))


def test_bad_policies_are_refused():
    _is_refused("overflow", "drop", "", None, 1, parts=("drop_oldest", "refuse"))


def test_bad_certificates_are_refused():
    _is_refused("ca", b"", b"junk" * 30, "/etc/ca.pem", 5, [])


def test_bad_ntp_servers_are_refused():
    for name, bad in (
        ("ntp_hosts", (None, 5, [5], [""], {})),
        ("ntp_port", (0, 65536, "123", None, 1.5)),
    ):
        for value in bad:
            with raises(ValueError, name):
                Plexus(KEY, "dev-1", endpoint="http://localhost/", **{name: value})


def test_unknown_options_are_refused():
    with raises(TypeError):
        _make(batch_size=5)


def test_endpoint_may_have_any_form_of_url(server):
    port = server.url.rsplit(":", 1)[1]
    for url in ("http://localhost:%s/api/ingest", "http://127.0.0.1:%s/api/ingest?x=1&y=%%20"):
        px = client(url % port)
        px.send("n", 1)
        equal(px.flush(), 1)
    paths = [r["path"] for r in Admin(server.admin_url).requests()]
    assert paths[0] == "/api/ingest" and paths[1].startswith("/api/ingest"), paths


def test_defaults_are_the_documented_ones():
    px = Plexus(KEY, "dev-1")
    assert "app.plexus.company" in repr(px), px
    equal((px.pending, px.dropped, px.rejected, px.confirmed), (0, 0, 0, 0))
    equal(px.source_id, "dev-1")


def test_public_names_are_in_the_package():
    import plexus

    for name in ("Plexus", "PlexusError", "Clock"):
        getattr(plexus, name)
    with raises(AttributeError):
        plexus.Nothing
    assert len(plexus.__version__.split(".")) == 3


def test_error_is_an_exception_with_the_servers_status():
    exc = PlexusError("words", 401)
    equal((str(exc), exc.status, isinstance(exc, Exception)), ("words", 401, True))
    equal(PlexusError("words").status, 0)


def test_key_is_in_nothing_that_a_program_may_print(server):
    admin = Admin(server.admin_url)
    texts = []
    px = client(server)
    px.send("n", 1)
    for script in (
        {"status": 401},
        {"status": 403, "body": {"error": "no"}},
        {"status": 500},
        {"redirect": "http://127.0.0.1:1/x"},
        {"html": True},
        {"reset": True},
        {"cut_after": 20},
        {"body": {"success": True, "count": 0}},
    ):
        admin.script(script)
        exc = refused(px)
        texts += [str(exc), repr(exc), px.status, repr(px), str(px)]
    with Outage(admin):
        texts += [str(refused(px)), px.status]
    texts += [repr(px.http), repr(px.delivery), repr(px.__dict__)]
    for text in texts:
        assert SECRET not in text, text


def test_status_counts_what_happened(server):
    px = client(server, ring_bytes=512)
    equal(px.status, "ok; 0 pending, 0 confirmed, 0 dropped, 0 rejected")
    fill(px, 10)
    equal(px.status, "ok; 10 pending, 0 confirmed, 0 dropped, 0 rejected")
    px.flush()
    equal(px.status, "ok; 0 pending, 10 confirmed, 0 dropped, 0 rejected")
    fill(px, 500)
    assert "%d dropped" % px.dropped in px.status and px.dropped > 100, px.status


def test_diagnostics_are_the_clients_state_in_values(server):
    px = client(server)
    fill(px, 10)
    px.flush()
    Admin(server.admin_url).script({"status": 401})
    px.send("n", 1)
    refused(px)
    told = px.diagnostics()
    equal(told["problem"][0], 401)
    equal(
        [told[name] for name in ("pending", "confirmed", "dropped", "rejected", "rejection")],
        [1, 10, 0, 0, None],
    )
    equal([told["clock_" + name] for name in ("known", "source", "problem")], [True, "server", ""])
    equal(told["host"], px.http.host)
    assert SECRET not in repr(told)


def test_any_reply_of_the_network_is_an_answer(server):
    admin = Admin(server.admin_url)
    px = client(server)
    px.send("n", 1)
    scripts = [{"status": status} for status in (401, 402, 429, 503)]
    scripts += [{"cut_after": 20}, {"reset": True}]
    for number, script in enumerate(scripts):
        admin.script(script)
        refused(px)
        equal((px.answers, px.unanswered), (number + 1, 0))
    px.flush()
    equal((px.answers, px.unanswered), (7, 0))
    px = Plexus(KEY, "dev-1", clock=right_clock(), endpoint="http://127.0.0.1:1/")
    px.send("n", 1)
    refused(px)  # the connection
    equal((px.answers, px.unanswered), (1, 0))


def test_a_request_that_nothing_replied_to_is_counted_as_unanswered():
    class Silence:
        @staticmethod
        def request(*_, **__):
            raise OSError(110)

    px = Plexus(KEY, "dev-1", clock=right_clock(), endpoint="http://h/", requests=Silence)
    px.send("n", 1)
    refused(px)
    equal((px.answers, px.unanswered), (0, 1))


def test_a_time_from_ntp_is_an_answer():
    class Heard(Clock):
        def sync(self):
            self.observe(1893456000000, self.ticks_ms(), 5, "ntp")

    px = Plexus(KEY, "dev-1", clock=Heard(set_rtc=False), endpoint="http://127.0.0.1:1/")
    px.tick()
    equal((px.answers, px.unanswered), (1, 0))


def test_representation_says_who_sends_where(server):
    px = client(server)
    equal(repr(px), "<Plexus dev-1 at 127.0.0.1: %s>" % px.status)


def test_full_ring_refuses_when_it_is_told_to(server):
    px = client(server, ring_bytes=512, overflow="refuse")
    sent = 0
    with raises(BufferFull, "full", "flush"):
        while sent < 1000:
            px.send("n", sent)
            sent += 1
    equal((px.pending, px.dropped), (sent, 0))
    assert sent < 1000
    equal(px.flush(), sent)
    px.send("n", 1)  # there is room again


def test_bad_readings_are_refused_and_leave_the_others(server):
    px = client(server)
    px.send("n", 1)
    for bad in (float("nan"), float("inf"), None, object(), "x" * 257, [0] * 3000, {1: 2}, b"x"):
        with raises(ValueError, "value:"):
            px.send("n", bad)
    for bad in ("", "x" * 257, None, 5):
        with raises(ValueError, "metric:"):
            px.send(bad, 1)
    for bad in ({"a": 1}, {"a": None}, {1: "a"}, {"a": "x" * 257}, "a=b", {"": "a"}):
        with raises(ValueError, "tag"):
            px.send("n", 1, tags=bad)
    with raises(ValueError, "tags:", "16"):
        px.send("n", 1, tags={str(i): "x" for i in range(17)})
    for bad in (0, -1, "now", True, 10**16, float("nan")):
        with raises(ValueError, "timestamp:"):
            px.send("n", 1, timestamp=bad)
    with raises(ValueError, "source_id:"):
        px.send("n", 1, source_id="Bad")
    px.send("n", 2)
    equal(px.flush(), 2)


def test_status_bears_that_another_thread_delivers_meanwhile(server):
    class Delivering:
        """What is wrong is mended between one look and the next."""

        rejection = None

        def __init__(self):
            self.retry = self
            self._problems = [(503, "storage is down"), None, None]

        def wait_ms(self, ticks):
            return 1000

        @property
        def problem(self):
            return self._problems.pop(0)

    from plexus.explain import status

    px = client(server)
    px.delivery = Delivering()
    words = status(px)
    assert words.startswith("the server failed (503): storage is down; next try in 1 s"), words
