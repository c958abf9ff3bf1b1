"""How much heap it takes to import what a program needs, and with a client made of it."""

import gc
import sys


def ours():
    from plexus import Plexus

    gc.collect()
    imported = gc.mem_alloc() - before
    px = Plexus("plx_bench", "bench-1", endpoint="http://127.0.0.1:9/api/ingest", ring_bytes=256)
    gc.collect()
    return imported, gc.mem_alloc() - before, px


def ours_https():
    from plexus import Plexus

    px = Plexus("plx_bench", "bench-1", ring_bytes=256)
    gc.collect()
    return 0, gc.mem_alloc() - before, px


def naive():
    import json

    import requests

    gc.collect()
    imported = gc.mem_alloc() - before
    return imported, imported, (json, requests)


if __name__ == "__main__":
    function = {"ours": ours, "ours_https": ours_https, "naive": naive}[sys.argv[1]]
    gc.collect()
    before = gc.mem_alloc()
    imported, made, _ = function()
    print('{"imported": %d, "made": %d}' % (imported, made))
