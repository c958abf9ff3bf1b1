"""Sensirion's, Aosong's and ScioSense's sensors read what Adafruit's drivers do from the chips."""

import random
from collections.abc import Callable

from models import aht20, ccs811, ens160, scd4x, scd30, sgp30, sgp40, sht3x, sht4x
from plexus.sensors.aht20 import AHT20
from plexus.sensors.ccs811 import CCS811
from plexus.sensors.ens160 import ENS160
from plexus.sensors.scd4x import SCD4x
from plexus.sensors.scd30 import SCD30
from plexus.sensors.sgp30 import SGP30
from plexus.sensors.sgp40 import SGP40
from plexus.sensors.sht3x import SHT3x
from plexus.sensors.sht4x import SHT4x
from sensors import Rig, close, i2c_rig
from tests.oracles import Busio, judging, states

CHANCE = random.Random(44)
HALF = 0.0051  # of a hundredth, to which we round


def test_sht3x() -> None:
    rig = i2c_rig(SHT3x, sht3x.Model())
    with judging(rig.bus.clock):
        from adafruit_sht31d import SHT31D

        judge = SHT31D(Busio(rig.bus))
        for values in states(rig, CHANCE):
            close(values["temperature"], judge.temperature, HALF)
            close(values["humidity"], judge.relative_humidity, HALF)


def test_sht4x() -> None:
    rig = i2c_rig(SHT4x, sht4x.Model())
    with judging(rig.bus.clock):
        from adafruit_sht4x import SHT4x as Judge

        judge = Judge(Busio(rig.bus))
        for values in states(rig, CHANCE):
            temperature, humidity = judge.measurements
            close(values["temperature"], temperature, HALF)
            close(values["humidity"], humidity, HALF)


def aht(model: aht20.Model, variant: str) -> None:
    rig = i2c_rig(AHT20, model, variant=variant)
    with judging(rig.bus.clock):
        from adafruit_ahtx0 import AHTx0

        judge = AHTx0(Busio(rig.bus))
        for values in states(rig, CHANCE):
            close(values["temperature"], judge.temperature, HALF)
            close(values["humidity"], judge.relative_humidity, HALF)


def test_aht20() -> None:
    aht(aht20.Model(), "AHT20")


def test_aht10() -> None:
    aht(aht20.AHT10(), "AHT10")


def test_scd4x() -> None:
    rig = i2c_rig(SCD4x, scd4x.Model())
    with judging(rig.bus.clock):
        from adafruit_scd4x import SCD4X

        judge = SCD4X(Busio(rig.bus))
        for values in states(rig, CHANCE):
            rig.bus.clock.advance(5000)
            assert values["co2"] == judge.CO2
            close(values["temperature"], judge.temperature, HALF)
            close(values["humidity"], judge.relative_humidity, HALF)


def test_scd4x_settings_are_what_the_judge_reads_back() -> None:
    for _ in range(50):
        offset, altitude = CHANCE.randrange(2001) / 100, CHANCE.randrange(3001)
        rig = i2c_rig(SCD4x, scd4x.Model(), temperature_offset=offset, altitude_m=altitude)
        rig.sample()
        with judging(rig.bus.clock):
            from adafruit_scd4x import SCD4X

            judge = SCD4X(Busio(rig.bus))
            close(judge.temperature_offset, offset, 175 / 65535)
            assert judge.altitude == altitude


def test_scd30() -> None:
    rig = i2c_rig(SCD30, scd30.Model())
    with judging(rig.bus.clock):
        from adafruit_scd30 import SCD30 as Judge

        judge = Judge(Busio(rig.bus))
        for values in states(rig, CHANCE):
            rig.bus.clock.advance(2000)
            close(values["co2"], judge.CO2, 0.051)
            close(values["temperature"], judge.temperature, HALF)
            close(values["humidity"], judge.relative_humidity, HALF)


def test_scd30_settings_are_what_the_judge_reads_back() -> None:
    for _ in range(50):
        interval_s = CHANCE.randrange(2, 1801)
        altitude = CHANCE.randrange(3001)
        offset = CHANCE.randrange(2001) / 100
        rig = i2c_rig(
            SCD30,
            scd30.Model(),
            interval_s=interval_s,
            altitude_m=altitude,
            temperature_offset=offset,
        )
        rig.sample()
        with judging(rig.bus.clock):
            from adafruit_scd30 import SCD30 as Judge

            judge = Judge(Busio(rig.bus))
            assert judge.measurement_interval == interval_s
            assert judge.altitude == altitude
            close(judge.temperature_offset, offset, 0.001)


def test_sgp30() -> None:
    rig = i2c_rig(SGP30, sgp30.Model(), baseline=(0x9001, 0x9002))
    with judging(rig.bus.clock):
        from adafruit_sgp30 import Adafruit_SGP30

        judge = Adafruit_SGP30(Busio(rig.bus))
        rig.sample()
        for values in states(rig, CHANCE):
            assert values == {"eco2": judge.eCO2, "tvoc": judge.TVOC}
        assert (judge.baseline_eCO2, judge.baseline_TVOC) == (0x9001, 0x9002)


def sgp40_rig(**options: float | Callable[[], float]) -> Rig:
    return i2c_rig(SGP40, sgp40.Model(), **options)


def test_sgp40() -> None:
    rig = sgp40_rig()
    with judging(rig.bus.clock):
        from adafruit_sgp40 import SGP40 as Judge

        judge = Judge(Busio(rig.bus))
        for _ in range(200):
            rig.chip.vary(CHANCE)
            assert rig.values() == {"voc_raw": judge.raw}


def test_sgp40_compensates_as_the_judge_does() -> None:
    air = {"humidity": 50.0, "temperature": 25.0}
    rig = sgp40_rig(humidity=lambda: air["humidity"], temperature=lambda: air["temperature"])
    with judging(rig.bus.clock):
        from adafruit_sgp40 import SGP40 as Judge

        judge = Judge(Busio(rig.bus))
        for _ in range(200):
            air["humidity"] = CHANCE.randrange(10001) / 100
            air["temperature"] = CHANCE.randrange(-4500, 13001) / 100
            rig.sample()
            ours = rig.chip.compensation
            judge.measure_raw(air["temperature"], air["humidity"])
            # It cuts the temperature's fraction off, where we round.
            assert ours[0] == rig.chip.compensation[0]
            assert ours[1] - rig.chip.compensation[1] in (0, 1)


def test_ens160() -> None:
    rig = i2c_rig(ENS160, ens160.Model(), 0x53)
    with judging(rig.bus.clock):
        from adafruit_ens160 import ENS160 as Judge

        judge = Judge(Busio(rig.bus))
        for values in states(rig, CHANCE):
            rig.bus.clock.advance(1000)
            assert judge.new_data_available
            known = judge.read_all_sensors()
            expected = {"eco2": "eCO2", "tvoc": "TVOC", "air_quality_index": "AQI"}
            assert values == {metric: known[name] for metric, name in expected.items()}


def test_ccs811() -> None:
    rig = i2c_rig(CCS811, ccs811.Model())
    with judging(rig.bus.clock):
        from adafruit_ccs811 import CCS811 as Judge

        judge = Judge(Busio(rig.bus))
        for values in states(rig, CHANCE):
            rig.bus.clock.advance(1000)
            assert values == {"eco2": judge.eco2, "tvoc": judge.tvoc}
