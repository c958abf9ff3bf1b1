"""The motion and magnetic drivers read what others' drivers do from the same chips.

Judges are Adafruit's drivers and, for the QMC5883L, the CircuitPython community's. The HMC5883L's
is Adafruit's of an LSM303DLH: the same chip but for the gain, which is scaled here. Where a judge
takes another sensitivity than the datasheet its value is scaled, and a comment says so.
"""

import random
from fractions import Fraction
from importlib import import_module
from typing import Any

import pytest

from models import (
    adxl345,
    bno055,
    hmc5883l,
    lis3dh,
    lis3mdl,
    lsm6dso,
    mpu6050,
    qmc5883l,
)
from plexus.sensors.adxl345 import ADXL345
from plexus.sensors.bno055 import BNO055
from plexus.sensors.hmc5883l import HMC5883L
from plexus.sensors.lis3dh import LIS3DH
from plexus.sensors.lis3mdl import LIS3MDL
from plexus.sensors.lsm6dso import LSM6DSO
from plexus.sensors.mpu6050 import MPU6050
from plexus.sensors.qmc5883l import QMC5883L
from sensors import Rig, close, i2c_rig
from tests.oracles import Busio, judging

CHANCE = random.Random(6050)


def xyz(values: Any, scale: float = 1.0) -> dict[str, float]:
    return {name: value * scale for name, value in zip("xyz", values, strict=True)}


def vary(rig: Rig) -> dict[str, Any]:
    """Our values of other raw ones, which the chip has sampled since."""
    rig.driver.RANGES = ()  # the formulas, also of what the chip could not measure
    rig.chip.vary(CHANCE)
    rig.bus.clock.advance(1000)
    return rig.values()


@pytest.mark.parametrize("index", range(4))
def test_mpu6050(index: int) -> None:
    rig = i2c_rig(
        MPU6050, mpu6050.Model(), accel_range=2 << index, gyro_range=250 << index, low_pass=90
    )
    with judging(rig.bus.clock):
        from adafruit_mpu6050 import MPU6050 as Judge

        judge = Judge(Busio(rig.bus))
        judge.accelerometer_range = index
        judge.gyro_range = index
        rig.values()
        for _ in range(50):
            values = vary(rig)
            close(values["acceleration"], xyz(judge.acceleration), 0.00051)
            close(values["angular_velocity"], xyz(judge.gyro), 0.00006)
            close(values["temperature"], judge.temperature, 0.01)


@pytest.mark.parametrize(
    ("who_am_i", "per_degree", "zero"),
    [(0x70, "333.87", 21), (0x71, "333.87", 21), (0x19, "326.8", 25), (0x98, "326.8", 25)],
)
def test_mpu6050_successors_temperature(who_am_i: int, per_degree: str, zero: int) -> None:
    # Without a judge that knows them all: the datasheets' formula in exact fractions.
    rig = i2c_rig(MPU6050, mpu6050.Model(who_am_i))
    for _ in range(200):
        temperature = vary(rig)["temperature"]
        close(temperature, float(rig.chip.temperature / Fraction(per_degree) + zero), 0.0051)


@pytest.mark.parametrize("name", ["LSM6DSOX", "ISM330DHCX", "LSM6DS3TRC", "LSM6DS33"])
@pytest.mark.parametrize("index", range(4))
def test_lsm6dso(name: str, index: int) -> None:
    who_am_i = {"LSM6DSOX": 0x6C, "ISM330DHCX": 0x6B, "LSM6DS3TRC": 0x6A, "LSM6DS33": 0x69}[name]
    rig = i2c_rig(LSM6DSO, lsm6dso.Model(who_am_i), accel_range=2 << index, gyro_range=250 << index)
    with judging(rig.bus.clock):
        from adafruit_lsm6ds import AccelRange, GyroRange

        module = import_module("adafruit_lsm6ds." + name.lower())
        judge = getattr(module, name)(Busio(rig.bus))
        judge.accelerometer_range = getattr(AccelRange, f"RANGE_{2 << index}G")
        judge.gyro_range = getattr(GyroRange, f"RANGE_{250 << index}_DPS")
        rig.values()
        for _ in range(50):
            values = vary(rig)
            close(values["acceleration"], xyz(judge.acceleration), 0.00051)
            close(values["angular_velocity"], xyz(judge.gyro), 0.00006)
            # The judge takes 256 LSB/°C for all; an LSM6DS3's and LSM6DS33's are 16.
            factor = 16 if who_am_i == 0x69 else 1
            close(values["temperature"], 25 + (judge.temperature - 25) * factor, 0.0051)


def test_adxl345() -> None:
    rig = i2c_rig(ADXL345, adxl345.Model())
    with judging(rig.bus.clock):
        from adafruit_adxl34x import ADXL345 as Judge

        judge = Judge(Busio(rig.bus))
        for _ in range(200):
            # The judge takes 4 mg for a bit; the datasheet says 256 bits a g.
            close(vary(rig)["acceleration"], xyz(judge.acceleration, 250 / 256), 0.0051)


@pytest.mark.parametrize("index", range(4))
def test_lis3dh(index: int) -> None:
    rig = i2c_rig(LIS3DH, lis3dh.Model(), accel_range=2 << index)
    with judging(rig.bus.clock):
        from adafruit_lis3dh import LIS3DH_I2C as Judge

        judge = Judge(Busio(rig.bus), address=0x18)
        judge.range = index
        rig.values()
        for _ in range(50):
            values = vary(rig)
            # The judge takes 16380 / 2^16 of the 2 g range for one g (and so on), and a g of
            # 9.806; the datasheet says 1, 2, 4 and 12 mg for the upper 12 bits.
            divider = (16380, 8190, 4096, 1365)[index]
            scale = divider * (1, 2, 4, 12)[index] / 16000 * 9.80665 / 9.806
            close(values["acceleration"], xyz(judge.acceleration, scale), 0.001)


@pytest.mark.parametrize("index", range(4))
def test_lis3mdl(index: int) -> None:
    rig = i2c_rig(LIS3MDL, lis3mdl.Model(), field_range=400 + 400 * index)
    rig.chip.counts_up = True  # the judge relies on it
    with judging(rig.bus.clock):
        from adafruit_lis3mdl import LIS3MDL as Judge

        judge = Judge(Busio(rig.bus))
        judge.range = index
        rig.values()
        for _ in range(50):
            close(vary(rig)["magnetic_field"], xyz(judge.magnetic), 0.0051)


@pytest.mark.parametrize("field_range", [200, 800])
def test_qmc5883l(field_range: int) -> None:
    rig = i2c_rig(QMC5883L, qmc5883l.Model(), field_range=field_range)
    with judging(rig.bus.clock):
        from qmc5883l import FIELDRANGE_2G, FIELDRANGE_8G
        from qmc5883l import QMC5883L as Judge

        judge = Judge(Busio(rig.bus))
        judge.field_range = FIELDRANGE_2G if field_range == 200 else FIELDRANGE_8G
        rig.values()
        for _ in range(100):
            values = vary(rig)
            rig.bus.clock.advance(100)  # the judge waits for an overrun
            close(values["magnetic_field"], xyz(judge.magnetic, 100), 0.0051)  # it says gauss


@pytest.mark.parametrize("index", range(1, 8))
def test_hmc5883l(index: int) -> None:
    field_range = (88, 130, 190, 250, 400, 470, 560, 810)[index]
    rig = i2c_rig(HMC5883L, hmc5883l.Model(), field_range=field_range)
    with judging(rig.bus.clock):
        from adafruit_lsm303dlh_mag import LSM303DLH_Mag

        judge = LSM303DLH_Mag(Busio(rig.bus))
        judge.mag_gain = index << 5
        # What its gain is in an LSM303DLH, and what in an HMC5883L (LSB/gauss).
        xy = (1100, 855, 670, 450, 400, 330, 230)[index - 1]
        z = (980, 760, 600, 400, 355, 295, 205)[index - 1]
        ours = (1090, 820, 660, 440, 390, 330, 230)[index - 1]
        for _ in range(50):
            values = vary(rig)["magnetic_field"]
            field = judge.magnetic
            close(values["x"], field[0] * xy / ours, 0.0051)
            close(values["y"], field[1] * xy / ours, 0.0051)
            close(values["z"], field[2] * z / ours, 0.0051)


def test_bno055() -> None:
    rig = i2c_rig(BNO055, bno055.Model(), values=tuple(BNO055.METRICS))
    with judging(rig.bus.clock):
        from adafruit_bno055 import BNO055_I2C

        judge = BNO055_I2C(Busio(rig.bus))
        for _ in range(200):
            values = vary(rig)
            heading, roll, pitch = judge.euler
            close(values["orientation"], {"heading": heading, "roll": roll, "pitch": pitch}, 0.0051)
            quaternion = dict(zip("wxyz", judge.quaternion, strict=True))
            close(values["quaternion"], quaternion, 0.000006)
            close(values["acceleration"], xyz(judge.acceleration), 0.0051)
            close(values["linear_acceleration"], xyz(judge.linear_acceleration), 0.0051)
            close(values["gravity"], xyz(judge.gravity), 0.0051)
            close(values["angular_velocity"], xyz(judge.gyro), 0.0001)
            close(values["magnetic_field"], xyz(judge.magnetic), 0.0051)
            assert values["temperature"] == judge.temperature
            names = ("system", "gyroscope", "accelerometer", "magnetometer")
            assert values["calibration"] == dict(zip(names, judge.calibration_status, strict=True))
