"""The drivers of sensors for the environment read what Adafruit's do from the same chips."""

import random

from models import bme680, bmp3xx, htu21d, lm75, mcp9808, tmp117
from plexus.sensors.bme680 import BME680
from plexus.sensors.bmp3xx import BMP3XX
from plexus.sensors.htu21d import HTU21D
from plexus.sensors.lm75 import LM75
from plexus.sensors.mcp9808 import MCP9808
from plexus.sensors.tmp117 import TMP117
from sensors import close, i2c_rig
from tests.oracles import Busio, judging, states

CHANCE = random.Random(680)

# Adafruit's driver takes the low bits of H1 for those of H2 and the other way round: here they
# are the same, none.
HUMIDITY = (bme680.HUMIDITY[0] & ~15, bme680.HUMIDITY[1] & ~15, *bme680.HUMIDITY[2:])


def compare_bme680(variant: int) -> None:
    rig = i2c_rig(BME680, bme680.Model(variant, HUMIDITY))
    with judging(rig.bus.clock):
        from adafruit_bme680 import Adafruit_BME680_I2C

        judge = Adafruit_BME680_I2C(Busio(rig.bus), 0x77)
        judged_heater = rig.chip.registers[0x5A]
        for values in states(rig, CHANCE):
            rig.bus.clock.advance(200)  # it measures no more often than this
            # It adds the 0.005 °C that are for rounding, and does not round.
            close(values["temperature"], judge.temperature - 0.005, 0.0055)
            close(values["pressure"], judge.pressure, 0.002)
            close(values["humidity"], judge.humidity, 0.01)
            close(values["gas_resistance"], judge.gas, 1)
        rig.chip.raw_temperature = 498000  # about the 25 °C that it supposes
        rig.values()
        rig.values()
        close(rig.chip.registers[0x5A], judged_heater, 1)


def test_bme680() -> None:
    compare_bme680(variant=0)


def test_bme688() -> None:
    compare_bme680(variant=1)


def test_bmp3xx() -> None:
    rig = i2c_rig(BMP3XX, bmp3xx.Model())
    with judging(rig.bus.clock):
        from adafruit_bmp3xx import BMP3XX_I2C

        judge = BMP3XX_I2C(Busio(rig.bus), 0x77)
        for values in states(rig, CHANCE):
            close(values["temperature"], judge.temperature, 0.0051)
            close(values["pressure"], judge.pressure, 0.0005)


def test_mcp9808() -> None:
    rig = i2c_rig(MCP9808, mcp9808.Model())
    with judging(rig.bus.clock):
        from adafruit_mcp9808 import MCP9808 as Judge

        judge = Judge(Busio(rig.bus), 0x18)
        for _ in range(200):
            rig.chip.vary(CHANCE)
            rig.bus.clock.advance(1000)
            close(rig.values()["temperature"], judge.temperature, 0)


def test_tmp117() -> None:
    rig = i2c_rig(TMP117, tmp117.Model())
    with judging(rig.bus.clock):
        from adafruit_tmp117 import TMP117 as Judge

        judge = Judge(Busio(rig.bus), 0x48)
        for _ in range(200):
            rig.chip.vary(CHANCE)
            value = rig.values()["temperature"]
            close(value, judge.take_single_measurement(), 0.00051)


def test_lm75() -> None:
    rig = i2c_rig(LM75, lm75.Model())
    with judging(rig.bus.clock):
        from adafruit_pct2075 import PCT2075

        judge = PCT2075(Busio(rig.bus), 0x48)
        for _ in range(200):
            rig.chip.vary(CHANCE)
            rig.bus.clock.advance(1000)
            close(rig.values()["temperature"], judge.temperature, 0)


def test_htu21d() -> None:
    rig = i2c_rig(HTU21D, htu21d.Model("HTU21D"))
    with judging(rig.bus.clock):
        from adafruit_htu21d import HTU21D as Judge

        judge = Judge(Busio(rig.bus), 0x40)
        rig.bus.clock.advance(5)  # it waits 10 ms for the reset, which may take 15
        for values in states(rig, CHANCE):
            # It does not take the status, up to 0.004 %, from the humidity.
            close(values["temperature"], judge.temperature, 0.0051)
            close(values["humidity"], judge.relative_humidity, 0.01)


def test_si7021() -> None:
    rig = i2c_rig(HTU21D, htu21d.Model("Si7021"))
    with judging(rig.bus.clock):
        from adafruit_si7021 import SI7021

        judge = SI7021(Busio(rig.bus), 0x40)
        for values in states(rig, CHANCE):
            close(values["temperature"], judge.temperature, 0.0051)
            close(values["humidity"], judge.relative_humidity, 0.01)
