"""The Bosch pressure sensors' drivers read what Adafruit's do from the same chips."""

import random

from models import bme280, bmp280
from plexus.sensors.bme280 import BME280
from plexus.sensors.bmp280 import BMP280
from sensors import close, i2c_rig
from tests.oracles import Busio, judging, states

CHANCE = random.Random(280)


def test_bme280() -> None:
    rig = i2c_rig(BME280, bme280.Model())
    with judging(rig.bus.clock):
        from adafruit_bme280.basic import Adafruit_BME280_I2C

        judge = Adafruit_BME280_I2C(Busio(rig.bus), 0x76)
        for values in states(rig, CHANCE):
            close(values["temperature"], judge.temperature, 0.01)
            close(values["pressure"], judge.pressure, 0.01)
            close(values["humidity"], judge.humidity, 0.05)


def test_bmp280() -> None:
    rig = i2c_rig(BMP280, bmp280.Model())
    with judging(rig.bus.clock):
        from adafruit_bmp280 import Adafruit_BMP280_I2C

        judge = Adafruit_BMP280_I2C(Busio(rig.bus), 0x76)
        for values in states(rig, CHANCE):
            close(values["temperature"], judge.temperature, 0.01)
            close(values["pressure"], judge.pressure, 0.01)
