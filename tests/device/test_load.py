"""Modules that are loaded when they are needed: whole for everyone, and gone if that was once."""

import sys
import time

import meeting

import plexus
import support
from plexus.port import load, load_once, unload
from support import IS_MICROPYTHON, Skip, equal, only, raises, wait_until

TIMEOUT_S = 30

try:
    import _thread
except ImportError:
    _thread = None

_BESIDE_MS = 300  # so long another thread gets to come back with half of a module


class Slow:
    """`with Slow(loading):` half_loaded is a module of plexus, and calls that amid its load."""

    def __init__(self, loading):
        self._work = loading

    def __enter__(self):
        self._path = plexus.__path__
        here = support.__file__.rsplit("/", 1)[0]
        plexus.__path__ = here if IS_MICROPYTHON else [here]
        self._before = meeting.loading
        meeting.loading = self._loading

    def __exit__(self, *_):
        meeting.loading = self._before
        plexus.__path__ = self._path
        unload("plexus", "half_loaded")

    def _loading(self):
        meeting.loading = self._before  # once: it may be loaded again
        self._work()


def _is_given_whole(take):
    # take() in a thread while another has come half through the load of that module.
    if _thread is None:
        raise Skip("this build has no threads")
    begun = []
    found = []

    def beside():
        begun.append(True)
        found.append(hasattr(take("plexus", "half_loaded"), "whole"))

    def loading():
        _thread.start_new_thread(beside, ())
        wait_until(lambda: begun)
        ends_ns = time.time_ns() + _BESIDE_MS * 1000000
        while not found and time.time_ns() < ends_ns:
            time.sleep(0.001)

    with Slow(loading):
        assert take("plexus", "half_loaded").whole
        wait_until(lambda: found)
    equal(found, [True])


def test_module_that_another_thread_is_loading_is_given_whole():
    _is_given_whole(load)


def test_module_that_another_thread_loads_once_is_given_whole():
    _is_given_whole(load_once)


def test_callback_on_top_of_a_load_may_load_itself():
    path = plexus.__path__
    found = []

    def loading():
        plexus.__path__ = path
        found.append(load("plexus", "readings.timestamp").epoch_ms(1700000000))
        found.append(load_once("plexus", "url").split_url("http://h/x")[1])

    with Slow(loading):
        assert load("plexus", "half_loaded").whole
    equal(found, [1700000000000, "h"])


def test_load_that_fails_keeps_nobody_from_the_next():
    def loading():
        raise MemoryError

    with Slow(loading), raises(MemoryError):
        load("plexus", "half_loaded")
    with raises(ImportError):
        load("plexus", "no_such_module")
    done = []
    if _thread:
        _thread.start_new_thread(lambda: done.append(load("plexus", "readings.timestamp")), ())
        wait_until(lambda: done)
    equal(load("plexus", "readings.timestamp").epoch_ms(1600000000), 1600000000000)


def test_what_is_loaded_stays():
    module = load("plexus", "readings.timestamp")
    assert sys.modules["plexus.readings.timestamp"] is module
    assert load("plexus", "readings.timestamp") is module


@only("micropython")
def test_module_that_is_loaded_once_and_compiled_does_not_stay():
    split_url = load_once("plexus", "url").split_url
    assert "plexus.url" not in sys.modules
    assert "url" not in plexus.__dict__
    equal(split_url("http://h/x")[1], "h")


@only("cpython")
def test_module_that_is_loaded_once_and_would_have_to_be_compiled_again_stays():
    module = load_once("plexus", "url")
    assert load_once("plexus", "url") is module


def test_modules_are_attributes_that_are_loaded_when_asked_for():
    unload("plexus", "url")
    equal(plexus.url.split_url("http://h/x")[1], "h")
    assert not hasattr(plexus, "no_such_module")


def test_module_is_found_beside_who_asks_and_within_a_package():
    assert load("plexus.readings.ring", "timestamp") is load("plexus", "readings.timestamp")
    with raises(ImportError):
        load("plexus.readings.ring", "url")


def test_unloaded_module_leaves_its_package():
    load("plexus", "readings.timestamp")
    unload("plexus", "readings.timestamp")
    assert "plexus.readings.timestamp" not in sys.modules
    assert "timestamp" not in plexus.readings.__dict__
