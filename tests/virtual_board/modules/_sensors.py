"""The sensors of a virtual board: models on its buses, as the world says."""

import _host
import machine

_attached = {}  # entry's key: (bus, model)


def start():
    if _host.world()["simulated"]:
        _host.model("world").World()
    _host.listen(_update)


def _update(world):
    wanted = {}
    for entry in world["sensors"]:
        wanted[_key(entry)] = entry
    for key in list(_attached):
        if key not in wanted:
            _detach(key)
    for key, entry in wanted.items():
        if key not in _attached:
            _attached[key] = _attach(entry)
        for name, value in entry.get("set", {}).items():
            setattr(_attached[key][1], name, value)
    for name, faults in world["bus_faults"].items():
        bus = machine.bus(name)
        bus.stuck = faults.get("stuck", False)
        absent = faults.get("absent", ())
        hidden = _attached.setdefault("absent " + name, {})
        for address in list(hidden):
            if address not in absent:
                bus.chips[address] = hidden.pop(address)
        for address in absent:
            if address in bus.chips:
                hidden[address] = bus.chips.pop(address)


def _key(entry):
    return repr([entry.get(name) for name in ("bus", "address", "pin", "cs", "model", "options")])


def _attach(entry):
    module = _host.model(entry["model"])
    chip = module.Model(**entry.get("options", {}))
    kind = entry["bus"].rstrip("0123456789")
    if kind == "pin":
        pin = machine.Pin(entry["pin"])
        if hasattr(chip, "rom"):
            if not hasattr(pin, "wire"):
                pin.wire = _host.model("onewire").Wire(machine.clock)
            pin.wire.attach(chip)
            return pin.wire, chip
        chip.clock = machine.clock
        pin.chip = chip
        return pin, chip
    bus = machine.bus(entry["bus"])
    if kind == "spi":
        bus.attach(chip, machine.Pin(entry["cs"]))
    elif kind == "uart":
        bus.attach(chip)
    else:
        bus.attach(chip, entry["address"])
    return bus, chip


def _detach(key):
    if key.startswith("absent "):
        return
    bus, chip = _attached.pop(key)
    if hasattr(bus, "chip"):
        chip.present = False
    elif hasattr(bus, "talker"):
        bus.talker = None
    elif isinstance(getattr(bus, "chips", None), dict):
        for address in [a for a, other in bus.chips.items() if other is chip]:
            del bus.chips[address]
    else:
        bus.remove(chip)
