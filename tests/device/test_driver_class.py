"""Drivers by their names: what is one, what is none, and what lacks a part of its own."""

import plexus.sensors
from plexus.sensors import driver_class
from support import equal, raises


def test_a_driver_is_had_by_its_name():
    for name, class_name in (("bmp280", "BMP280"), ("system", "System"), ("sht3x", "SHT3x")):
        driver = driver_class(name)
        equal(driver.__name__, class_name)
        assert driver_class(name) is driver


def test_what_is_no_driver_is_refused():
    for name in ("bmp281", "", "find", "BMP280", "bmp280.x", "plexus"):
        with raises(ValueError, "driver: %r" % name, "docs/sensors.md"):
            driver_class(name)


def test_what_drivers_are_made_of_is_no_driver():
    for name in ("driver", "i2c", "sensirion", "axes", "uart", "pin", "spi", "ti_power", "sampler"):
        with raises(ValueError, "driver: %r" % name):
            driver_class(name)


def test_a_name_that_is_no_text_is_refused():
    for name in (5, None, b"bmp280", ["bmp280"]):
        with raises(ValueError, "driver: "):
            driver_class(name)


def test_a_driver_that_lacks_a_file_of_its_own_names_that():
    load = plexus.sensors._module
    plexus.sensors._module = _half_installed
    try:
        with raises(ImportError, "plexus.sensors.bmp280"):
            driver_class("bme280")
    finally:
        plexus.sensors._module = load


def _half_installed(name):
    raise ImportError("no module named 'plexus.sensors.bmp280'")
