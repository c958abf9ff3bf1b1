"""The heap that a client, a device and an agent take."""

import struct
import time

from board_common import say, start, system, used


def client(given):
    """A client with all that it does by itself left as it is."""
    start(given)
    from plexus import Plexus

    say("imported", used(), *system())
    px = Plexus(given["key"], "bench-1")
    say("made", used(), *system())
    return px


def device(given):
    """The firmware's device with four sensors, whose chips are modelled here."""
    start(given)
    arguments = {"bme280": (_Bus(),), "mpu6050": (_Bus(),), "ds18b20": (_Pin(),)}
    arguments["system"] = (None, 2, False)
    _model_thermometer()
    say("", used(), *system())
    # In the order of firmware/start.py: the ring first, then the sensors.
    from firmware.crashes import Crashes
    from plexus import Plexus, sensors
    from plexus.port import unload

    px = Plexus(given["key"], "bench-1", ring_bytes=4096)
    say("client", used(), *system())
    sampler = sensors.Sampler(px)
    for name in sorted(arguments):
        driver = sensors.driver_class(name)(*arguments[name])
        sampler.add(driver, interval_ms=1000, name=name)
    unload("plexus.sensors", "sampling.adding", "base.checks")
    say("sensors", used(), *system())
    from firmware.device import Device

    crashes = Crashes(given["directory"] + "/crash.json")
    made = Device(_configuration(given), {}, crashes, px, sampler)
    say("made", used(), *system())
    begun = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), begun) < 4000:
        time.sleep_ms(min(made.sampler.tick(), 20))
    say("read", used(), *system())
    for name in sorted(arguments):
        say("sensor", name, made.sampler.status[name])
    made.close()


def _configuration(given):
    from firmware import config as configuration

    return configuration.redacted(configuration.load(given["directory"] + "/plexus.json"), None)


def agent(given):
    """What an agent takes beside a client and a sampler."""
    start(given)
    from plexus import Plexus
    from plexus.sensors import Sampler

    px = Plexus(given["key"], "bench-1", ring_bytes=256)
    sampler = Sampler(px)
    say("", used(), *system())
    from plexus import Agent

    say("imported", used(), *system())
    made = Agent(px, sampler, given["agent_url"])
    say("made", used(), *system())
    return made


class _Bus:
    """An I2C bus with a BME280 and an MPU6050, each of which measures the same again and again."""

    def __init__(self):
        bme280, mpu6050 = bytearray(256), bytearray(256)
        self._chips = {0x76: bme280, 0x68: mpu6050}
        # The example of the datasheet.
        struct.pack_into("<HhhH", bme280, 0x88, 27504, 26435, -1000, 36477)
        struct.pack_into("<8h", bme280, 0x90, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000)
        bme280[0xA1] = 75
        bme280[0xE1:0xE8] = b"\x72\x01\x00\x13\x29\x03\x1e"
        bme280[0xF7:0xFF] = b"\x65\x5a\xc0\x7e\xed\x00\x6f\x00"
        bme280[0xD0] = 0x60
        struct.pack_into(">7h", mpu6050, 0x3B, 100, 200, 8000, -500, 10, 20, 30)
        mpu6050[0x75] = 0x68

    def readfrom_mem(self, address, register, count):
        return bytes(self._chips[address][register : register + count])

    def writeto_mem(self, address, register, data):
        self._chips[address][register : register + len(data)] = data


class _Pin:
    """One of a one-wire bus that is not there."""

    OPEN_DRAIN = PULL_UP = OUT = IN = 0

    def init(self, *_):
        pass


def _model_thermometer():
    import ds18x20

    class OneThermometer(ds18x20.DS18X20):
        def scan(self):
            return [bytearray(b"\x28\xff\x64\x1e\x0f\x16\x03\x90")]

        def convert_temp(self):
            pass

        def read_temp(self, rom):
            self.buf[:] = b"\x91\x01\x4b\x46\x7f\xff\x0f\x10\x25"
            return 25.0625

    ds18x20.DS18X20 = OneThermometer
