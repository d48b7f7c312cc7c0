"""Draws configurations and scripts: everything from the random generator that is handed in.

What is drawn is what a `Config` accepts and a host may do, small enough to simulate. Three kinds of
script: `mixed` (nothing may be lost: links end only by agreement), `harsh` (silent ghosts, limits
on retries, frames of strangers: links may end), `bulk` (many packets, for the long form).
"""

import random

from .script import GHOSTS, PEER, Script

__all__ = ["draw_config", "draw_script"]

_VCS = (0, 1, 2)
_NODES = ("a", "b")
_BURST, _PACE = 20, 200  # packets of `bulk` in one clock, and clocks from burst to burst
_DRAIN = 2_000_000  # clocks, at most, in which `bulk` ends on the bad wires
_RUNGS = (0, 0, 10, 50, 100, 200, 300)  # permille of loss
_IPV4 = 0.4  # share of the configurations that know the IPv4 form


def draw_config(rng, name, width=None):
    """`(fields of ttpoe.config.Config, top)`, valid and small; `width`: or else it is drawn."""
    while True:
        width = width or rng.choice((64, 64, 128, 256, 512))
        rx_slots, reorder = rng.choice((8, 16, 32)), rng.choice((4, 4, 8, 16))
        most = (rx_slots - reorder) // 3
        if most < 1:
            continue
        config = {
            "name": name,
            "width_bits": width,
            "sets": rng.choice((2, 2, 4, 8)),
            "vc_tables": rng.choice((1, 3)),
            "slots": rng.choice((4, 8, 16, 32)),
            "rx_slots": rx_slots,
            "rx_reserved": rng.randint(1, most),
            "reorder_slots": reorder,
            "event_depth": rng.choice((2, 4, 8, 16)),
            "control_depth": rng.choice((8, 16, 32)),
            "payload_depth": rng.choice((2, 4, 8)),
            "os_buffer_bytes": rng.choice((2048, 4096)),
        }
        # By a chance of its own, so that the rest stays as it was.
        ipv4 = random.Random(repr(config)).random() < _IPV4
        config["encapsulation"] = "ipv4" if ipv4 else "ethernet"
        return config, rng.choice(("engine", "engine", "engine", "managed_nic"))


def _size(rng):
    """1 to 1024 bytes: mostly short, with the ends of beats, frames and slots."""
    return rng.choice(
        (
            rng.randint(1, 8),
            rng.choice((1, 4, 5, 12, 63, 64, 65, 68)),
            rng.randint(1, 300),
            rng.randint(1, 64),
            rng.choice((1023, 1024, rng.randint(900, 1024))),
        )
    )


def _rates(rng, most=300):
    """Of a `wire` event: permille of loss, doubled, late, corrupted; clocks of delay, lateness."""
    loss = min(most, rng.choice(_RUNGS))
    if rng.random() < 0.25:
        return [loss, 0, 0, 0, rng.choice((0, 10, 40)), 1]
    return [
        loss,
        rng.choice((0, 20, 100)),
        rng.choice((0, 30, 150)),
        rng.choice((0, 20, 100)),
        rng.choice((0, 5, 30, 120)),
        rng.choice((20, 200, 900)),
    ]


def _links(config):
    return config["sets"] * config["vc_tables"] * 2


def _settings(rng, config, harsh):
    settings = {}
    round_clocks = rng.choice((300, 700, 1500, 3000))
    for node in _NODES:
        values = {"timer_tick": max(1, round_clocks // _links(config))}
        if harsh:
            values["max_retry"] = rng.randint(2, 8)
        if rng.random() < 0.3:
            values["idle_limit"] = rng.randint(1, 6)
        if rng.random() < 0.4:
            values["link_slots"] = rng.randint(1, config["slots"])
        if rng.random() < 0.25:
            values["selective"] = 0
        if rng.random() < 0.3:
            values["ieee"] = 1
        settings[node] = values
    chance = random.Random(repr(settings))  # of its own, so that the rest of a case stays as it was
    for values in settings.values():
        if chance.random() < 0.2:
            values["congestion"] = 0
    return settings


def _forms(settings, config):
    """Who opens links in the IPv4 form, and who is behind a router (E2 to E4)."""
    if config["encapsulation"] != "ipv4":
        return
    chance = random.Random(f"{settings}/ipv4")
    prefix = chance.choice((10, 10, chance.randrange(256)))
    mask = chance.choice((0, 0xFFFFFF, 0xFFFFFF, chance.getrandbits(24)))
    for values in settings.values():
        values |= {"ipv4": int(chance.random() < 0.6), "ipv4_prefix": prefix}
        if mask:
            values["ipv4_mask"] = mask
            for half in ("upper", "lower"):
                values[f"ipv4_router_{half}"] = chance.getrandbits(24)


def _datagrams(events, config, seed):
    """Half of the strangers' frames in the IPv4 form, also where the link has the other one."""
    chance = random.Random(f"{seed}/datagrams")
    for event in events:
        if event[1] == "foreign" and config["encapsulation"] == "ipv4" and chance.random() < 0.5:
            event[1] = "datagram"


def _wrap(rng, settings):
    """IDs that wrap, or become negative as signed numbers, with the first packets.

    Only for links that are opened once: with fixed IDs an OPEN_ACK of an earlier incarnation is
    like the one that is awaited, and such a link lives with an epoch that its peer has left.
    """
    first = rng.choice((0xFFFFFFFF, 0x7FFFFFFF)) - rng.randint(0, 12)
    for values in settings.values():
        values |= {"init_id": first, "fixed_open_id": 1}
        values.pop("idle_limit", None)


def _traffic(rng, events, length, count, partners):
    """Packets in bursts of one link, steady streams, and some at the same clock on both nodes."""
    vcs = rng.sample(_VCS, rng.randint(1, 3))
    while count > 0:
        start, burst = rng.randrange(length), min(count, rng.choice((1, 1, 3, 8, 20)))
        node, vc, partner = rng.choice(_NODES), rng.choice(vcs), rng.choice(partners)
        sizes = rng.choice((lambda: 1, lambda: _size(rng), lambda: rng.randint(1, 64)))
        spread = rng.choice((0, 0, 10, 60))
        for number in range(burst):
            events.append([start + number * spread, "send", node, vc, partner, sizes()])
            if rng.random() < 0.1:
                events.append(
                    [
                        start + number * spread + rng.randint(0, 2),
                        "send",
                        "b" if node == "a" else "a",
                        vc,
                        partner,
                        sizes(),
                    ]
                )
        count -= burst


def _commands(rng, events, length, partners):
    """Opens and closes; often both hosts within a few clocks."""
    for _ in range(rng.choice((0, 2, 4, 8))):
        time, vc = rng.randrange(length), rng.choice(_VCS)
        partner = rng.choice(partners)
        first = rng.choice(_NODES)
        events.append([time, rng.choice(("open", "close", "close")), first, vc, partner])
        if rng.random() < 0.6:
            second = "b" if first == "a" else "a"
            kind = rng.choice(("open", "close", "send"))
            extra = [_size(rng)] if kind == "send" else []
            events.append(
                [time + rng.choice((0, 0, 1, 2, 5, 20, 100)), kind, second, vc, partner, *extra]
            )


def _hosts(rng, events, length):
    """Readers that stall or are slow, MACs that pause."""
    for _ in range(rng.choice((0, 1, 3, 5))):
        node, port = rng.choice(_NODES), rng.choice(("mac", *_VCS, *_VCS))
        time, slow = rng.randrange(length), rng.choice((0, 0, 200, 700))
        if port == "mac":
            slow = rng.choice((0, 400, 800))
        events.append([time, "read", node, port, slow])
        events.append([time + rng.choice((20, 200, 1000, 3000)), "read", node, port, 1000])
    for _ in range(rng.choice((0, 0, 1, 2))):
        node, port = rng.choice(_NODES), rng.choice(("mac", *_VCS))
        events.append([rng.randrange(length), "pause", node, port, rng.choice((50, 300))])


def _network(rng, events, length):
    """Stretches of good and bad network on each wire, and bursts in which all is lost."""
    for wire in ("ab", "ba"):
        events.append([0, "wire", wire, *_rates(rng)])
        for _ in range(rng.choice((0, 1, 3))):
            events.append([rng.randrange(length), "wire", wire, *_rates(rng)])
        for _ in range(rng.choice((0, 0, 1, 2))):
            time, rates = rng.randrange(length), _rates(rng)
            events.append([time, "wire", wire, 1000, *rates[1:]])
            events.append([time + rng.choice((30, 150, 600)), "wire", wire, *rates])


def _control(rng, events, length, config, harsh):
    """Configuration that changes while links are open."""
    for _ in range(rng.choice((0, 0, 2, 4))):
        node, time = rng.choice(_NODES), rng.randrange(length)
        what = rng.choice(("selective", "link_slots", "idle_limit", "enable", "timer_tick"))
        if harsh and rng.random() < 0.2:
            what = "max_retry"
        values = {
            "selective": rng.randint(0, 1),
            "congestion": time >> 1 & 1,
            "link_slots": rng.randint(0, config["slots"]),
            "idle_limit": rng.randint(0, 4),
            "enable": 0,
            "max_retry": rng.randint(1, 9),
            "timer_tick": max(1, rng.choice((200, 800, 2000)) // _links(config)),
        }
        if what == "selective" and time & 1:
            what = "congestion"
        value = values[what]
        events.append([time, "set", node, what, value])
        if what == "enable":
            events.append([time + rng.choice((5, 50, 300)), "set", node, "enable", 1])


def _strangers(rng, events, length, settings):
    """Conversations that ghosts begin, in order or not; half of them send epoch 0, as Tesla's
    module does, and then open again and again, as it does when it has lost its way."""
    for _ in range(rng.choice((1, 2, 4))):
        node, vc, ghost = rng.choice(_NODES), rng.choice(_VCS), rng.choice(GHOSTS)
        time, first = rng.randrange(length), rng.getrandbits(31)
        epoch = rng.choice((0, rng.randint(1, 0xFFFF)))
        own = settings[node].get("init_id", 1)
        events.append([time, "foreign", node, "OPEN", vc, ghost, first, own, epoch, 0])
        for _ in range(rng.choice((0, 3, 10))):
            time += rng.choice((5, 30, 200))
            opcode = rng.choice(
                (
                    "PAYLOAD",
                    "PAYLOAD",
                    "PAYLOAD",
                    "ACK",
                    "NACK",
                    "NACK_FULL",
                    "OPEN",
                    "CLOSE",
                    "CLOSE_NACK",
                    "CLOSE_ACK",
                    "NACK_NOLINK",
                    "OPEN_ACK",
                    "OPEN_NACK",
                    *("OPEN", "OPEN", "ACK") * (not epoch),
                )
            )
            tx_id = (first + rng.randint(-1, 6)) & 0xFFFFFFFF
            rx_id = (own + rng.randint(-1, 6)) & 0xFFFFFFFF
            other = epoch if not epoch or rng.random() < 0.8 else rng.randint(0, 0xFFFF)
            size = rng.randint(1, 100) if opcode == "PAYLOAD" else 0
            events.append([time, "foreign", node, opcode, vc, ghost, tx_id, rx_id, other, size])


def _bulk(rng, events, config, packets):
    """Both hosts have something to send all the time: `packets` in all, mostly short, but each
    with its whole number in it. The wires stay bad until all have arrived."""
    length = packets // _BURST * _PACE
    for wire in ("ab", "ba"):
        for number in range(4):
            rates = _rates(rng)
            rates[0] = rng.randint(0, 300)
            events.append([number * length // 4, "wire", wire, *rates])
    for number in range(packets):
        node, vc = _NODES[number % 2], rng.choice(_VCS)
        size = _size(rng) if rng.random() < 0.03 else rng.randint(4, 8)
        events.append([number // _BURST * _PACE, "send", node, vc, PEER, size])
    events.append([length + _PACE, "drain", _DRAIN])


def draw_script(rng, config, top, kind="mixed", packets=0):
    """A `Script` for engines of this configuration; `kind`: see above."""
    events = []
    harsh = kind == "harsh"
    settings = _settings(rng, config, harsh)
    _forms(settings, config)
    if kind == "bulk":
        for values in settings.values():
            values.pop("idle_limit", None)
            values["timer_tick"] = min(values["timer_tick"], max(1, 1000 // _links(config)))
        _bulk(rng, events, config, packets)
    else:
        length = rng.choice((600, 2000, 5000))
        partners = (PEER,) * 5 + (GHOSTS if harsh else ())
        wraps = not harsh and rng.random() < 0.25
        _traffic(rng, events, length, rng.choice((5, 20, 60, 120)), partners)
        if wraps:
            _wrap(rng, settings)
        else:
            _commands(rng, events, length, partners)
        _hosts(rng, events, length)
        _network(rng, events, length)
        _control(rng, events, length, config, harsh)
        if wraps:
            events = [event for event in events if event[3:4] != ["idle_limit"]]
        if harsh:
            _strangers(rng, events, length, settings)
        if top != "engine":
            for _ in range(rng.choice((0, 5, 20))):
                events.append(
                    [rng.randrange(length), "os", rng.choice(_NODES), rng.randint(46, 1500)]
                )
    events.sort(key=lambda event: event[0])
    seed = rng.getrandbits(32)
    _datagrams(events, config, seed)
    return Script(config, top, seed, settings, events)
