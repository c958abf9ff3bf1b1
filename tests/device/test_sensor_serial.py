"""Sensors on a serial line: PMS5003, MH-Z19 and GPS."""

from models import gps, mhz19, pms5003
from models.gps import sentence
from models.uart import UART, Talker
from plexus.sensors.driver import SensorError
from plexus.sensors.gps import GPS
from plexus.sensors.mhz19 import MHZ19
from plexus.sensors.pms5003 import PMS5003
from sensors import Rig
from support import equal, raises


def rig(driver_class, model, rxbuf=256, **options):
    bus = UART(model, rxbuf=rxbuf)
    return Rig(bus, model, driver_class(bus, **options))


def gps_rig(model=None, **options):
    return rig(GPS, model or gps.Model(), rxbuf=1024, **options)


class Voice(Talker):
    """Sends the same bytes every second."""

    def __init__(self, data):
        super().__init__()
        self.data = data
        self.next_ms = 0

    def run(self, now_ms):
        while self.next_ms <= now_ms:
            self.say(self.data, self.next_ms)
            self.next_ms += 1000


class Lines(gps.Model):
    """Sends these sentences (texts behind the talker) about each moment."""

    def __init__(self, *lines):
        super().__init__()
        self.lines = lines

    def texts(self):
        return self.lines


RMC = "RMC,092725.00,A,4717.11399,N,00833.91590,E,0.004,77.52,091202,,,A"
GGA = "GGA,092725.00,4717.11399,N,00833.91590,E,1,08,1.01,499.6,M,48.0,M,,"


def test_pms5003_gives_the_concentrations_in_air_as_it_is():
    equal(rig(PMS5003, pms5003.Model()).values(), {"pm1_0": 4, "pm2_5": 7, "pm10": 10})


def test_pms5003_gives_counts_if_asked():
    values = rig(PMS5003, pms5003.Model(), counts=True).values()
    names = ["particles_" + size for size in ("0_3", "0_5", "1_0", "2_5", "5_0", "10")]
    equal([values[name] for name in names], [900, 270, 41, 6, 2, 1])
    equal(sorted(values), sorted(PMS5003.METRICS))


def test_pms5003_has_the_metrics_that_it_gives():
    for counts in (False, True):
        r = rig(PMS5003, pms5003.Model(), counts=counts)
        equal(sorted(r.values()), sorted(r.driver.METRICS))


def test_pms5003_refuses_counts_that_are_no_flag():
    for counts in ("false", 1, None):
        with raises(ValueError, "counts: %r; give True or False" % (counts,)):
            PMS5003(None, counts=counts)


def test_pms5003_is_found_in_a_stream_that_begins_in_the_middle():
    for phase_ms in range(0, 60, 3):
        r = rig(PMS5003, pms5003.Model(), warm_up_ms=phase_ms)
        equal(r.values()["pm2_5"], 7)


def test_pms5003_is_found_behind_bytes_that_look_like_a_frame():
    r = rig(PMS5003, pms5003.Model())
    r.chip.words[3:6] = [0x424D, 0x001C, 0x424D]
    equal(r.values(), {"pm1_0": 0x424D, "pm2_5": 0x001C, "pm10": 0x424D})


def test_pms5003_frame_is_found_behind_one_that_was_cut_off():
    model = pms5003.Model()
    bus = UART(model)
    frame = model.frame()
    bus.attach(Voice(frame[:20] + frame))
    equal(Rig(bus, None, PMS5003(bus)).values()["pm2_5"], 7)


def test_pms5003_passes_over_a_damaged_frame():
    r = rig(PMS5003, pms5003.Model())
    r.chip.period_ms = 800
    r.sample()
    r.chip.damaged = 1
    r.chip.words[4] = 33
    equal(r.values()["pm2_5"], 33)


def test_pms5003_with_damaged_frames_only_is_an_error():
    r = rig(PMS5003, pms5003.Model())
    r.chip.damaged = 1000
    with raises(SensorError, "PMS5003", "baud rate"):
        r.sample()


def test_pms5003_is_read_as_it_is_now_however_long_nobody_listened():
    r = rig(PMS5003, pms5003.Model())
    r.sample()
    r.bus.clock.advance(600000)
    r.bus.any()
    r.chip.words[4] = 99
    equal(r.values()["pm2_5"], 99)


def test_pms5003_that_is_unplugged_is_an_error_and_warms_up_when_it_is_back():
    r = rig(PMS5003, pms5003.Model())
    r.sample()
    r.bus.unplugged = True
    with raises(SensorError, "PMS5003", "sends nothing"):
        r.sample()
    r.bus.unplugged = False
    before_ms = r.bus.clock.now_ms
    equal(r.values()["pm2_5"], 7)
    assert r.bus.clock.now_ms - before_ms >= 30000


def test_pms5003_that_sends_nonsense_once_does_not_warm_up_again():
    r = rig(PMS5003, pms5003.Model())
    r.sample()
    r.chip.damaged = 100
    with raises(SensorError):
        r.sample()
    r.chip.damaged = 0
    before_ms = r.bus.clock.now_ms
    r.sample()
    assert r.bus.clock.now_ms - before_ms < 5000


def test_a_warm_up_that_is_no_time_is_refused():
    for warm_up_ms in (-1, 1.5, True, None, 4000000):
        with raises(ValueError, "warm_up_ms"):
            PMS5003(None, warm_up_ms=warm_up_ms)


def test_mhz19_speaks_as_in_the_manuals_example():
    r = rig(MHZ19, mhz19.Model())
    equal(r.values(), {"co2": 544})
    equal(r.bus.written, [b"\xff\x01\x86\0\0\0\0\0\x79"])


def test_mhz19_is_not_read_before_it_is_warm():
    r = rig(MHZ19, mhz19.Model())
    r.sample()
    assert r.bus.clock.now_ms >= 180000
    r = rig(MHZ19, mhz19.Model(), warm_up_ms=0)
    equal(r.values()["co2"], 410)


def test_mhz19_asks_again_when_an_answer_is_damaged_or_stays_out():
    r = rig(MHZ19, mhz19.Model())
    for r.chip.damaged, r.chip.mute in ((1, 0), (0, 1), (1, 1)):
        equal(r.values(), {"co2": 544})


def test_mhz19_whose_answers_are_all_damaged_is_an_error():
    r = rig(MHZ19, mhz19.Model())
    r.chip.damaged = 3
    with raises(SensorError, "MHZ19", "nonsense"):
        r.sample()


def test_mhz19_that_is_unplugged_is_an_error_and_warms_up_when_it_is_back():
    r = rig(MHZ19, mhz19.Model())
    r.sample()
    r.bus.unplugged = True
    with raises(SensorError, "MHZ19", "sends nothing"):
        r.sample()
    r.bus.unplugged = False
    before_ms = r.bus.clock.now_ms
    equal(r.values(), {"co2": 544})
    assert r.bus.clock.now_ms - before_ms >= 180000


def test_mhz19_that_answers_late_once_is_not_taken_for_cold():
    r = rig(MHZ19, mhz19.Model())
    r.chip.mute = 1
    r.sample()
    r.chip.damaged = 3
    with raises(SensorError):
        r.sample()
    before_ms = r.bus.clock.now_ms
    r.sample()
    assert r.bus.clock.now_ms - before_ms < 5000


def test_mhz19_that_is_warm_does_not_warm_up_again_after_damaged_answers():
    r = rig(MHZ19, mhz19.Model())
    r.chip.damaged = 3
    with raises(SensorError):
        r.sample()
    before_ms = r.bus.clock.now_ms
    r.sample()
    assert r.bus.clock.now_ms - before_ms < 5000


def test_mhz19_reads_the_answer_to_its_own_question():
    r = rig(MHZ19, mhz19.Model())
    r.sample()
    r.chip.say(b"\xff\x86\x01\x90\x41\0\0\0\xa8")  # 400 ppm, from before
    r.bus.clock.advance(100)
    equal(r.values(), {"co2": 544})


def test_mhz19_without_a_value_is_an_error():
    r = rig(MHZ19, mhz19.Model())
    r.chip.co2 = 0
    with raises(SensorError, "no value"):
        r.sample()


def test_mhz19_at_the_end_of_its_range_is_an_error():
    r = rig(MHZ19, mhz19.Model(), range_ppm=2000)
    r.chip.co2 = 1999
    equal(r.values(), {"co2": 1999})
    equal(r.chip.range_ppm, 2000)
    r.chip.co2 = 2700
    with raises(SensorError, "2000 ppm or more"):
        r.sample()


def test_mhz19_sets_its_self_calibration_only_if_asked():
    for option, state in ((None, True), (False, False), (True, True)):
        r = rig(MHZ19, mhz19.Model(), self_calibration=option)
        r.sample()
        equal(r.chip.self_calibration, state)
        equal(len(r.bus.written), 1 if option is None else 2)
    # The manual's example.
    equal(r.bus.written[0], b"\xff\x01\x79\xa0\0\0\0\0\xe6")


def test_mhz19_options_that_it_has_not_are_refused():
    with raises(ValueError, "range_ppm: 3000"):
        MHZ19(None, range_ppm=3000)
    with raises(ValueError, "self_calibration: 'off'"):
        MHZ19(None, self_calibration="off")
    with raises(ValueError, "self_calibration: 1; give True or False"):
        MHZ19(None, self_calibration=1)


def test_gps_gives_position_speed_and_course():
    values = gps_rig().values()
    position = values.pop("position")
    equal(str(position["lat"]), "47.2852332")
    equal(str(position["lon"]), "8.565265")
    equal(position["alt"], 499.6)
    equal(values, {"speed": 0.002, "course": 77.52, "satellites": 8, "hdop": 1.01})


def test_gps_degrees_keep_the_digits_that_single_precision_has_not():
    model = Lines(RMC, GGA)
    model.lines = [
        line.replace("00833.91590,E", "17959.99999,W").replace("4717.11399,N", "8959.99999,S")
        for line in model.lines
    ]
    position = gps_rig(model).values()["position"]
    equal((position["lat"].number, position["lat"].digits), (-899999998, 7))
    equal((position["lon"].number, position["lon"].digits), (-1799999998, 7))


def test_gps_south_and_west_are_negative():
    model = gps.Model()
    model.lat_e7, model.lon_e7 = -338567000, -1512153000
    position = gps_rig(model).values()["position"]
    equal((str(position["lat"]), str(position["lon"])), ("-33.8567", "-151.2153"))


def test_gps_of_any_talker_is_understood():
    for talker in ("GP", "GN", "GL", "GA", "GB", "BD"):
        model = gps.Model()
        model.talker = talker
        assert "position" in gps_rig(model).values()


def test_gps_without_a_fix_has_no_position_speed_or_course():
    model = gps.Model()
    model.fix = 0
    equal(gps_rig(model).values(), {"satellites": 0})


def test_gps_that_only_estimates_beyond_its_limits_has_no_fix():
    model = Lines(RMC.replace(",A,", ",V,", 1), GGA.replace(",E,1,", ",E,6,"))
    equal(gps_rig(model).values(), {"satellites": 8})


def test_gps_position_that_was_typed_in_or_simulated_is_none():
    for quality in ("7", "8", "12", ""):
        model = Lines(RMC, GGA.replace(",E,1,", ",E,%s," % quality))
        equal(gps_rig(model).values(), {"satellites": 8})


def test_gps_that_stands_still_may_have_no_course():
    model = gps.Model()
    model.course_cd = None
    assert "course" not in gps_rig(model).values()


def test_gps_passes_over_sentences_with_a_wrong_checksum():
    model = gps.Model()
    model.damaged = 6
    r = gps_rig(model)
    equal(str(r.values()["position"]["lat"]), "47.2852332")
    assert r.bus.clock.now_ms > 1200  # it was that of the second moment


def test_gps_joins_sentences_of_one_moment_only():
    model = Lines(RMC.replace("25.00", "24.00"), GGA)
    with raises(SensorError, "GGA and RMC"):
        gps_rig(model).sample()


def test_gps_sentences_may_come_in_either_order_and_begin_in_the_middle():
    for lines in ((GGA, RMC), (RMC, "GSV,1,1,00", GGA)):
        for offset in (0, 1, 40, 75):
            data = b"".join([sentence("GP" + line) for line in lines])
            bus = UART(Voice(data[offset:] + data[:offset]), rxbuf=1024)
            assert "position" in Rig(bus, None, GPS(bus)).values()


def test_gps_sentence_is_found_behind_one_that_was_cut_off():
    data = sentence("GP" + RMC)[:30] + sentence("GP" + RMC) + sentence("GP" + GGA)
    bus = UART(Voice(data), rxbuf=1024)
    assert "position" in Rig(bus, None, GPS(bus)).values()
    assert bus.clock.now_ms < 1000


def test_gps_reads_what_comes_from_now_on():
    r = gps_rig()
    r.sample()
    r.bus.clock.advance(5000)
    r.bus.any()
    r.chip.alt_dm = 7777
    equal(r.values()["position"]["alt"], 777.7)


def test_gps_on_an_esp32s_own_buffer_is_read_whole():
    r = rig(GPS, gps.Model(), rxbuf=256)
    for _ in range(3):
        assert "position" in r.values()


def test_gps_that_sends_nothing_is_an_error():
    bus = UART(Talker())
    with raises(SensorError, "GPS", "sends nothing"):
        Rig(bus, None, GPS(bus)).sample()


def test_gps_without_checksums_is_told_as_what_it_is():
    class Bare(gps.Model):
        def say(self, data, at_ms):
            super().say(bytes(data).split(b"*")[0] + b"\r\n", at_ms)

    with raises(SensorError, "GPS", "without checksums"):
        gps_rig(Bare()).values()


def test_gps_of_another_baud_rate_is_an_error_and_is_not_kept():
    bus = UART(Voice(bytes(range(128, 256)) * 7), rxbuf=1024)
    with raises(SensorError, "GPS", "baud rate"):
        Rig(bus, None, GPS(bus)).sample()


def test_gps_waits_as_long_as_the_receivers_period():
    model = gps.Model(period_ms=5000)
    model.damaged = 6
    assert "position" in gps_rig(model, period_ms=5000).values()
    with raises(ValueError, "period_ms: 0"):
        GPS(None, period_ms=0)


def test_gps_numbers_that_make_no_sense_are_an_error():
    for before, after in (
        ("4717.11399", "9017.11399"),
        ("4717.11399", "4760.11399"),
        ("4717.11399", "-4750.11399"),
        ("4717.11399", "47x7.11399"),
        ("4717.11399", ""),
        ("00833.91590,E", "18000.00001,E"),
        ("00833.91590,E", "00833.91590,N"),
        ("00833.91590,E", "00833.91590,"),
        ("499.6", "4e9"),
        (",08,", ",8.x,"),
    ):
        with raises(SensorError, "GPS", "no sense"):
            gps_rig(Lines(RMC, GGA.replace(before, after))).sample()
