"""Analogue inputs: the ADS1115 and ADS1015, the board's own converter, the HX711."""

from models import ads1115, hx711, machine
from models.bus import I2C, Clock
from plexus.sensors.adc import ADC
from plexus.sensors.ads1115 import ADS1115
from plexus.sensors.driver import SensorError
from plexus.sensors.hx711 import HX711
from sensors import Rig, close
from support import equal, raises

MODELS = {
    "ADS1115": (8, 16, 32, 64, 128, 250, 475, 860),
    "ADS1015": (128, 250, 490, 920, 1600, 2400, 3300),
}


def ads_rig(**options):
    """The driver with the chip that its options name."""
    bus = I2C()
    chip = bus.attach(ads1115.Model(options.get("model", "ADS1115")), 0x48)
    return Rig(bus, chip, ADS1115(bus, **options))


def test_ads1115_has_the_datasheets_resolution_at_each_full_scale():
    # SBAS444, the table of full-scale ranges: the size of the least significant bit.
    for full_scale_mv, bit_nv in (
        (6144, 187500),
        (4096, 125000),
        (2048, 62500),
        (1024, 31250),
        (512, 15625),
        (256, 7812.5),
    ):
        rig = ads_rig(full_scale_mv=full_scale_mv, channels=(0,))
        rig.chip.inputs_uv[0] = int(bit_nv * 16 // 1000)
        close(rig.values()["voltage_0"], bit_nv * 16e-9, 1e-6)


def test_ads1115_gives_the_voltage_of_each_input():
    rig = ads_rig()
    rig.chip.inputs_uv = [0, 1000000, 2500000, 3300000]
    equal(
        rig.sample(),
        [("voltage_0", 0.0), ("voltage_1", 1.0), ("voltage_2", 2.5), ("voltage_3", 3.3)],
    )


def test_ads1115_gives_differences_of_inputs_with_their_sign():
    channels = ("0-1", "0-3", "1-3", "2-3")
    rig = ads_rig(channels=channels)
    rig.chip.inputs_uv = [1000000, 3000000, 2500000, 500000]
    equal(
        rig.values(),
        {"voltage_0_1": -2.0, "voltage_0_3": 0.5, "voltage_1_3": 2.5, "voltage_2_3": 2.0},
    )


def test_ads1115_has_a_unit_for_all_that_it_yields():
    channels = ("0-1", "0-3", "1-3", "2-3", 0, 1, 2, 3)
    rig = ads_rig(channels=channels)
    equal(sorted(rig.values()), sorted(ADS1115.METRICS))


def test_ads1115_waits_long_enough_at_each_data_rate():
    for model, rates in MODELS.items():
        for rate in rates:
            rig = ads_rig(model=model, data_rate=rate)
            rig.chip.inputs_uv[2] = 2048000
            equal(rig.values()["voltage_2"], 2.048)


def test_ads1015_gives_12_bits():
    rig = ads_rig(model="ADS1015", channels=(1, "0-1"))
    rig.chip.inputs_uv[1] = 1001000
    equal(rig.values(), {"voltage_1": 1.0, "voltage_0_1": -1.002})


def test_ads1015_is_read_by_the_settings_of_an_ads1115_too():
    rig = ads_rig()
    rig.chip.model = "ADS1015"
    rig.chip.inputs_uv[3] = 3000000
    equal(rig.values()["voltage_3"], 3.0)


def test_ads1115_refuses_a_voltage_beyond_its_range():
    for model in MODELS:
        rig = ads_rig(model=model, full_scale_mv=1024, channels=("0-1",))
        for level_uv in (1023970, 1500000, -1024000):
            rig.chip.inputs_uv[0] = level_uv
            with raises(SensorError, "0x48", "0-1", "beyond 1024 mV", "full_scale_mv"):
                rig.sample()


def test_ads1115_gives_the_last_values_within_its_range():
    for model, bits in (("ADS1115", 15), ("ADS1015", 11)):
        rig = ads_rig(model=model, full_scale_mv=2048, channels=("0-1",))
        for code in (2**bits - 2, 1 - 2**bits):
            rig.chip.inputs_uv[0] = 2048000 * code // 2**bits
            close(rig.values()["voltage_0_1"], 2.048 * code / 2**bits, 2.048 / 2**bits)


def test_ads1115_whose_conversion_does_not_end_is_an_error():
    rig = ads_rig()
    rig.chip.update = lambda: None
    with raises(SensorError, "0x48", "channel 0", "does not end"):
        rig.sample()


def test_ads1115_that_lost_its_power_while_it_converted_is_an_error():
    # With just the settings that it has at power-on.
    rig = ads_rig(channels=("0-1",), full_scale_mv=2048)
    rig.chip.inputs_uv[0] = 1000000
    sample = rig.driver.sample()
    rig.bus.clock.advance(next(sample))
    rig.chip.power_on()
    with raises(SensorError, "does not end"):
        next(sample)


def test_ads1115_is_told_from_an_lm75():
    rig = ads_rig()
    equal(ADS1115.identify(rig.bus, 0x48), "ADS1115")
    rig.chip.wrong_id()
    equal(ADS1115.identify(rig.bus, 0x48), None)


def test_ads1115_is_still_known_after_it_was_used():
    rig = ads_rig()
    rig.sample()
    equal(ADS1115.identify(rig.bus, 0x48), "ADS1115")


def test_ads1115_has_the_metrics_of_its_channels():
    driver = ADS1115(None, channels=[2, "0-1"])
    equal(driver.METRICS, {"voltage_2": "V", "voltage_0_1": "V"})


def test_ads1115_refuses_options_that_it_has_not():
    for options, words in (
        ({"model": "ADS1118"}, ("model", "ADS1015")),
        ({"model": []}, ("model: []", "ADS1015")),
        ({"channels": (0, 4)}, ("channels: 4", "0-1")),
        ({"channels": []}, ("channels: []", "give a list", "0-1")),
        ({"channels": 0}, ("channels: 0", "give a list", "0-1")),
        ({"channels": [0, True]}, ("channels: True", "0-1")),
        ({"channels": [0, 0]}, ("channels: [0, 0]", "once")),
        ({"channels": ("1-0",)}, ("channels: '1-0'", "0-1")),
        ({"full_scale_mv": 5000}, ("full_scale_mv: 5000", "6144")),
        ({"data_rate": 1600}, ("data_rate: 1600", "860")),
        ({"data_rate": 8, "model": "ADS1015"}, ("data_rate: 8", "3300")),
    ):
        with raises(ValueError, *words):
            ADS1115(None, **options)


def adc_value(level_uv, **options):
    with machine.Installed():
        pin = machine.Pin(34)
        pin.level_uv = level_uv
        ((_, value),) = ADC(pin, **options).read()
        return value


def test_adc_gives_the_pins_voltage():
    equal(adc_value(1234000), 1.234)


def test_adc_gives_the_voltage_before_a_divider():
    equal(adc_value(1850000, divider=2.0), 3.7)


def test_adc_gives_the_calibrated_value():
    equal(adc_value(1500000, scale=10.0, offset=-2.5), 12.5)


def test_adc_gives_its_metric_by_name():
    with machine.Installed():
        adc = ADC(machine.Pin(34), metric="soil")
        equal(adc.read(), [("soil", 0.0)])
    equal(adc.METRICS, {"soil": "V"})
    equal(ADC.METRICS, {"voltage": "V"})


def test_adcs_calibrated_value_is_in_no_known_unit():
    for options in ({"scale": 100}, {"offset": -0.5}):
        equal(ADC(None, **options).METRICS, {"voltage": ""})


def test_adc_gives_the_mean_of_so_many_samples():
    left = []
    taken = []

    def noise():
        taken.append(left.pop())
        return taken[-1]

    for samples in (1, 2, 3, 256):
        del taken[:]
        left[:] = [1000000 + 1000 * (i % 7) for i in range(samples + 1)]
        mean = sum(left[:-1]) / samples / 1000000
        close(adc_value(noise, samples=samples), mean, 0.00006)  # 0.1 mV, rounded
        equal(len(taken), samples + 1)  # and one that checks the range


def test_adc_has_the_range_of_its_attenuation():
    for attenuation_db, level_uv in ((0, 900000), (2.5, 1200000), (6, 1700000), (11, 2400000)):
        equal(adc_value(level_uv, attenuation_db=attenuation_db), level_uv / 1000000)
        with raises(SensorError, "Pin(34)", "beyond"):
            adc_value(level_uv + 800000, attenuation_db=attenuation_db)


def test_adc_without_calibration_or_attenuation_takes_the_reference():
    class Plain:
        def __init__(self, pin):
            pass

        def read_u16(self):
            return 32768

    with machine.Installed():
        whole = machine.ADC
        machine.ADC = Plain
        try:
            ((_, value),) = ADC(machine.Pin(34), reference_mv=3000).read()
        finally:
            machine.ADC = whole
    equal(value, 1.5)


def test_adc_where_the_port_has_none_is_an_error():
    with machine.Installed():
        whole = machine.ADC
        del machine.ADC
        try:
            with raises(SensorError, "Pin(34)", "no machine.ADC"):
                ADC(machine.Pin(34)).read()
        finally:
            machine.ADC = whole


def test_adc_refuses_options_that_make_no_sense():
    for options, words in (
        ({"samples": 0}, ("samples: 0", "1 to 256")),
        ({"samples": 257}, ("samples: 257", "1 to 256")),
        ({"samples": True}, ("samples: True", "1 to 256")),
        ({"divider": 0.5}, ("divider: 0.5", "from 1 to 1000")),
        ({"divider": "2"}, ("divider: '2'", "from 1 to 1000")),
        ({"scale": "10"}, ("scale: '10'", "give a number")),
        ({"scale": float("nan")}, ("scale: nan", "give a number")),
        ({"offset": None}, ("offset: None", "give a number")),
        ({"offset": float("inf")}, ("offset: inf", "give a number")),
        ({"offset": True}, ("offset: True", "give a number")),
        ({"metric": ""}, ("metric: ''", "give its name")),
        ({"metric": 5}, ("metric: 5", "give its name")),
        ({"reference_mv": 3.3}, ("reference_mv: 3.3", "1 to 10000")),
        ({"attenuation_db": []}, ("attenuation_db: []", "6 or 11")),
        ({"attenuation_db": 12}, ("attenuation_db: 12", "6 or 11")),
    ):
        with raises(ValueError, *words):
            ADC(None, **options)


class Scale(Rig):
    """An HX711 on its pins; it lives while `machine` is installed."""

    def __init__(self, model_rate_hz=10, **options):
        self.clock = Clock()
        data, clock = machine.Pin(4), machine.Pin(5)
        chip = hx711.Model(data, clock, self.clock, model_rate_hz)
        super().__init__(self, chip, HX711(data, clock, **options))


def test_hx711_gives_the_count_of_each_gain():
    for gain in (128, 64, 32):
        with machine.Installed():
            rig = Scale(gain=gain)
            rig.chip.raw[gain] = 123456
            equal(rig.sample(), [("weight", 123456)])


def test_hx711_keeps_its_gain_from_read_to_read():
    for gain in (128, 64, 32):
        with machine.Installed():
            rig = Scale(gain=gain)
            for raw in (8388606, -1, -8388607, 0, 1):
                rig.sample()
                rig.chip.raw[gain] = raw
                rig.clock.advance(100)
                equal(rig.values()["weight"], raw)


def test_hx711_gives_the_weight_by_tare_and_scale():
    with machine.Installed():
        rig = Scale(tare=-5000, scale=0.5)
        rig.chip.raw[128] = 3000
        equal(rig.values()["weight"], 4000.0)


def test_hx711_at_80_hz_waits_less():
    with machine.Installed():
        rig = Scale(model_rate_hz=80, rate_hz=80)
        rig.chip.raw[128] = 7
        equal(rig.values()["weight"], 7)
        assert rig.clock.now_ms < 100


def test_hx711_at_80_hz_that_is_not_ready_fails_sooner():
    with machine.Installed():
        rig = Scale(model_rate_hz=10, rate_hz=80)
        with raises(SensorError, "no conversion"):
            rig.sample()
        assert rig.clock.now_ms < 100


def test_hx711_allows_interrupts_between_the_pulses():
    with machine.Installed():
        rig = Scale()
        rig.chip.raw[128] = 5
        other = machine.Pin(9, machine.Pin.IN)
        called = []
        other.irq(called.append)

        def clocked(level):
            rig.chip.clocked(level)
            other.drive(level)  # an edge of another pin with each edge of the clock

        rig.driver.clock.watch = clocked
        equal(rig.values()["weight"], 5)
        equal(len(called), 2 * 26)  # the pulse that resets, and 25 that read
        equal(machine.state["interrupts"], True)


def test_hx711_that_is_not_ready_in_time_is_an_error():
    with machine.Installed():
        rig = Scale()
        rig.sample()
        rig.chip.done_ms = rig.clock.now_ms + 1000
        with raises(SensorError, "Pin(4)", "no conversion"):
            rig.sample()
        assert rig.clock.now_ms > 600  # it waited about two conversions


def test_hx711_that_is_missing_is_an_error():
    with machine.Installed():
        driver = HX711(machine.Pin(4), machine.Pin(5))
        with raises(SensorError, "Pin(4)", "no conversion"):
            for _ in driver.sample():
                pass


def test_hx711_with_its_data_pin_held_low_is_an_error():
    with machine.Installed():
        driver = HX711(machine.Pin(4), machine.Pin(5))
        machine.Pin(4).drive(0)
        with raises(SensorError, "Pin(4)", "the clock"):
            for _ in driver.sample():
                pass


def test_hx711_beyond_its_range_is_an_error():
    with machine.Installed():
        rig = Scale()
        for raw in (0x7FFFFF, -0x800000):
            rig.chip.raw[128] = raw
            with raises(SensorError, "Pin(4)", "beyond"):
                rig.sample()


def test_hx711_that_failed_is_set_up_again_with_its_gain():
    with machine.Installed():
        rig = Scale(gain=64)
        rig.chip.raw = {128: 1, 64: 2, 32: 3}
        rig.sample()
        rig.driver.data.source = None  # unplugged
        with raises(SensorError):
            rig.sample()
        rig.driver.data.source = rig.chip.data
        rig.chip.power_on()
        equal(rig.values()["weight"], 2)


def test_hx711_where_the_port_cannot_turn_interrupts_off_is_an_error():
    with machine.Installed():
        rig = Scale()
        disable_irq = machine.disable_irq
        del machine.disable_irq
        try:
            with raises(SensorError, "Pin(4)", "interrupts"):
                rig.sample()
        finally:
            machine.disable_irq = disable_irq


def test_hx711_refuses_options_that_it_has_not():
    for options, words in (
        ({"gain": 100}, ("gain: 100", "128, 64 or 32")),
        ({"rate_hz": 20}, ("rate_hz: 20", "10 or 80")),
        ({"tare": "0"}, ("tare: '0'", "from -8388608 to 8388607")),
        ({"tare": 8388608}, ("tare: 8388608", "from -8388608 to 8388607")),
        ({"scale": None}, ("scale: None", "give a number")),
        ({"scale": float("inf")}, ("scale: inf", "give a number")),
    ):
        with raises(ValueError, *words):
            HX711(None, None, **options)


def test_hx711_waits_whole_ms_whatever_kind_of_number_its_rate_is():
    with machine.Installed():
        rig = Scale(rate_hz=10.0)
        rig.values()
