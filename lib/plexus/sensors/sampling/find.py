"""Finds what is on an I2C bus, by address and, where chips share one, by their ids."""

from collections import namedtuple

from ...port import const, unload
from .. import driver_class, loaded

# The drivers by their chips' addresses, those first whose chips tell surely who they are: the
# first that knows the chip is it. One without an id is meant if nobody else answers.
_DRIVERS = {
    (0x0D,): "qmc5883l",
    (0x10,): "veml7700",
    (0x18, 0x19): "mcp9808 lis3dh",
    (0x1A, 0x1B, 0x1F): "mcp9808",
    (0x1C,): "mcp9808 lis3mdl",
    (0x1D,): "mcp9808 adxl345",
    (0x1E,): "mcp9808 lis3mdl hmc5883l",
    (0x23, 0x5C): "bh1750",
    (0x28,): "bno055",
    (0x29,): "vl53l0x tsl2591 bno055",
    (0x36,): "max17048",
    (0x37,): "lm75",
    (0x38,): "aht20",
    (0x39,): "apds9960 aht20",
    (0x40,): "htu21d ina226 ina260 ina219",
    (0x41, 0x42, 0x43, 0x47): "ina226 ina260 ina219",
    (0x44, 0x45): "sht4x sht3x ina226 ina260 ina219",
    (0x46,): "sht4x ina226 ina260 ina219",
    (0x48, 0x49, 0x4A, 0x4B): "tmp117 ina226 ina260 ads1115 ina219 lm75",
    (0x4C, 0x4D, 0x4E, 0x4F): "ina226 ina260 ina219 lm75",
    (0x52,): "ens160",
    (0x53,): "adxl345 ens160",
    (0x58,): "sgp30",
    (0x59,): "sgp40",
    (0x5A, 0x5B): "ccs811",
    (0x61,): "scd30",
    (0x62,): "scd4x",
    (0x68, 0x69): "mpu6050",
    (0x6A, 0x6B): "lsm6dso",
    (0x76, 0x77): "bme280 bmp280 bme680 bmp3xx",
}
# What all of these are made of.
_BASES = {"driver", "i2c", "axes", "sensirion", "ti_power", "sampling"}

# Where chips without registers have addresses of ours: to these a register's number is data, which
# sets outputs (PCF8574A: 0x38 to 0x3F) or lines of the bus (TCA9548A and its kin: 0x70 to 0x77).
_LATCHES = (0x38, 0x39, 0x76, 0x77)
_ALL = const(256)  # bytes: no register is left out
# Where the AW9523 would take a command of 16 bits for a write to a register; its id tells it.
_EXPANDERS = (0x58, 0x59)
_EXPANDER_ID = (0x10, 0x23)

Found = namedtuple("Found", ("address", "driver", "chip", "candidates"))


def scan(bus, occupied=()):
    """What is on a `machine.I2C` bus: a list of Found, by address.

    It changes the state of no chip that has a driver here, nor of an I/O expander or bus switch
    that shares an address with one and can be told (docs/sensors.md names those that cannot).
    occupied: addresses that are known to be something else, which is asked nothing.

    `driver` is the name of the driver that reads it, None if there is none or it is not sure
    which. `chip` is the chip's name if it has told, None if the address alone speaks for it.
    `candidates` are the names of the drivers that could be meant, if one is not known.
    """
    return [_identify(bus, address) for address in bus.scan() if address not in occupied]


def _identify(bus, address):
    if _is_foreign(bus, address):
        return Found(address, None, None, ())
    weak = []
    for name in _candidates(address):
        before = loaded()
        driver = driver_class(name)
        if driver.chip is not None:
            chip = driver.identify(bus, address)
            if chip is not None:
                return Found(address, name, chip, ())
        else:
            weak.append(name)
        # Drivers that nobody needs would fill the RAM. Those that all are made of stay.
        unload("plexus.sensors", *(loaded() - before - _BASES))
    if len(weak) == 1:
        return Found(address, weak[0], None, ())
    return Found(address, None, None, tuple(weak))


def _is_foreign(bus, address):
    # Asked in a way that changes nothing in either chip.
    try:
        if address in _LATCHES:
            # A latch gives the same byte for ever; of registers, some differ.
            data = bus.readfrom(address, _ALL)
            return data == data[:1] * _ALL
        if address in _EXPANDERS:
            register, identity = _EXPANDER_ID
            return bus.readfrom_mem(address, register, 1)[0] == identity
    except OSError:
        pass  # one that answers commands only
    return False


def driver_names():
    """The names of all the drivers that a scan can find."""
    return sorted(set(" ".join(_DRIVERS.values()).split()))


def _candidates(address):
    for addresses, names in _DRIVERS.items():
        if address in addresses:
            yield from names.split()
