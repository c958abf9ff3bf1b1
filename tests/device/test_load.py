"""Modules that are loaded when they are needed: whole for everyone, and gone again if borrowed."""

import sys
import time

import meeting

import plexus
import support
from support import IS_MICROPYTHON, Skip, equal, only, raises, wait_until

TIMEOUT_S = 30
COMPILED = True  # what is borrowed goes only where nothing compiles it again

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
        plexus.forget("half_loaded")

    def _loading(self):
        meeting.loading = self._before  # once: what was borrowed is loaded again
        self._work()


def _is_given_whole(take):
    # take() in a thread while another has come half through the load of that module.
    if _thread is None:
        raise Skip("this build has no threads")
    begun = []
    found = []

    def beside():
        begun.append(True)
        found.append(hasattr(take("half_loaded"), "whole"))

    def loading():
        _thread.start_new_thread(beside, ())
        wait_until(lambda: begun)
        ends_ns = time.time_ns() + _BESIDE_MS * 1000000
        while not found and time.time_ns() < ends_ns:
            time.sleep(0.001)

    with Slow(loading):
        assert take("half_loaded").whole
        wait_until(lambda: found)
    equal(found, [True])


def test_module_that_another_thread_is_loading_is_given_whole():
    _is_given_whole(plexus.load)


def test_module_that_another_thread_is_borrowing_is_given_whole():
    _is_given_whole(plexus.borrow)


def test_callback_on_top_of_a_load_may_load_and_borrow_itself():
    path = plexus.__path__
    found = []

    def loading():
        plexus.__path__ = path
        found.append(plexus.load("timestamp").epoch_ms(1700000000))
        found.append(plexus.borrow("origin").split_url("http://h/x")[1])

    with Slow(loading):
        assert plexus.load("half_loaded").whole
    equal(found, [1700000000000, "h"])


def test_load_that_fails_keeps_nobody_from_the_next():
    def loading():
        raise MemoryError

    with Slow(loading), raises(MemoryError):
        plexus.load("half_loaded")
    with raises(ImportError):
        plexus.load("no_such_module")
    done = []
    if _thread:
        _thread.start_new_thread(lambda: done.append(plexus.load("timestamp")), ())
        wait_until(lambda: done)
    equal(plexus.load("timestamp").epoch_ms(1), 1000)


def test_what_is_loaded_stays():
    module = plexus.load("timestamp")
    assert sys.modules["plexus.timestamp"] is module
    assert plexus.load("timestamp") is module


@only("micropython")
def test_borrowed_module_that_is_compiled_does_not_stay():
    split_url = plexus.borrow("origin").split_url
    assert "plexus.origin" not in sys.modules
    assert "origin" not in plexus.__dict__
    equal(split_url("http://h/x")[1], "h")


@only("cpython")
def test_borrowed_module_that_would_have_to_be_compiled_again_stays():
    module = plexus.borrow("origin")
    assert plexus.borrow("origin") is module


def test_modules_are_attributes_that_are_loaded_when_asked_for():
    plexus.forget("timestamp")
    equal(plexus.timestamp.epoch_ms(2), 2000)
    assert not hasattr(plexus, "no_such_module")
