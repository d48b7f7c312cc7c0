"""Plays one `randomised.script.Script` on the bench, from reset to all links closed.

After the last event the network is perfect, every reader reads and everything must arrive. Then
each engine's receive memory is filled to the brim, which shows a slot that has been lost, all
links are closed and everything is compared. See docs/evidence/random.md.
"""

import random
import traceback
from collections import Counter

from ttpoe.config import Config
from ttpoe.csr.access import Registers

from ..check.scoreboard import DeliveryChecker
from ..frames.datagram import Network, pack
from ..frames.frame import ETHERTYPE_IPV4, ETHERTYPE_SEED, Frame, Opcode, node_to_mac
from ..randomised.script import PEER
from ..randomised.wire import FaultyWire
from .axil import register_bus
from .directed import state_table
from .ending import Ending
from .follow import parameters_of
from .follower import DeliveryFollower, Follower
from .played import BLOCK, STEP, payload

__all__ = ["Player", "play"]

GHOST_ADDRESSES = 0x0A0000
_MANAGED = {
    "timer_tick": "TIMER_TICK",
    "max_retry": "MAX_RETRY",
    "idle_limit": "IDLE_LIMIT",
    "link_slots": "LINK_SLOTS",
    "init_id": "INIT_ID",
}
_IPV4 = {
    "ipv4": 0,
    "ipv4_prefix": 10,
    "ipv4_mask": 0,
    "ipv4_router_upper": 0,
    "ipv4_router_lower": 0,
}
"""Settings of an engine that knows the IPv4 form, as after reset."""
_SWITCHES = ("selective", "congestion", "fixed_open_id")
"""Settings that are bits of CONTROL."""


def ghost_address(name):
    """Spread so that they, and the engines, meet in small link tables."""
    return GHOST_ADDRESSES + 0x10305 * int(name[-1])


class Player:
    """One script, from reset to its last event; `Ending` does the rest."""

    def __init__(self, bench, script):
        self.bench, self.script = bench, script
        self.nodes = {"a": bench.a, "b": bench.b}
        self.partner = {"a": bench.b, "b": bench.a}
        self.wires = {}
        self.followers = {}
        self.registers = {}
        self.deliveries = DeliveryChecker()
        self.managed = script.top == "managed_nic"
        self.numbers = Counter()
        self.os_sent = {"a": set(), "b": set()}
        self.settings = {name: {**script.settings.get(name, {})} for name in self.nodes}

    # ---- beginning -----------------------------------------------------------------------------

    async def begin(self):
        bench, script = self.bench, self.script
        rng = random.Random(f"{script.seed}/ids")
        bench.seed = script.seed
        for name, node in self.nodes.items():
            for log in (
                node.sent,
                node.received,
                node.frames_out,
                node.frames_in,
                node.os_sent,
                node.os_received,
                node.requests,
                node.notices,
                node.trace,
            ):
                log.clear()
            node.reseed()
            self.set_ready(node, 1.0)
            for source in node.sources.values():
                source.gap = 0.0
            if self.managed:
                node.drive("open_id_seed", rng.getrandbits(32))
            else:
                node.configure(open_id_seed=rng.getrandbits(32), **self._all_settings(name))
        for name in ("ab", "ba"):
            self.wires[name] = self._wire_from(name)
        bench.connect(self.wires["ab"], self.wires["ba"])
        await bench.reset()
        if self.managed:
            for name, node in self.nodes.items():
                await self._set_registers(name, node)
        for name, node in self.nodes.items():
            self.followers[name] = self._follower(name, node)
        self.start = bench.now()

    def _wire_from(self, name):
        """The wire `name`, with the router in it that its first node is set to."""
        wire = FaultyWire(name, f"{self.script.seed}/{name}", self.script.faults)
        settings = _IPV4 | self.settings[name[0]]
        if settings["ipv4_mask"]:
            router = settings["ipv4_router_upper"] << 24 | settings["ipv4_router_lower"]
            wire.through(router.to_bytes(6, "big"), node_to_mac(self.partner[name[0]].address))
        return wire

    def _follower(self, name, node):
        watched = self.deliveries, self.partner[name]
        if not self.script.lockstep:
            return DeliveryFollower(node, *watched)
        return Follower(node, parameters_of(self.bench, node), *watched, state_table())

    def _all_settings(self, name):
        defaults = {
            "timer_tick": 16,
            "max_retry": 0,
            "idle_limit": 0,
            "link_slots": 0,
            "selective": 1,
            "congestion": 1,
            "init_id": 1,
            "fixed_open_id": 0,
            "ieee": 0,
            "enable": 1,
        }
        if self._has_ipv4:
            defaults |= _IPV4
        settings = defaults | self.settings[name]
        if not self._has_congestion:
            del settings["congestion"]
        return settings

    @property
    def _has_congestion(self):
        """Whether the engine is built with congestion control."""
        return self.bench.config.get("congestion", "none") != "none"

    @property
    def _has_ipv4(self):
        """Whether the engine is built with the IPv4 form."""
        return self.bench.config.get("encapsulation") == "ipv4"

    async def _set_registers(self, name, node):
        if name not in self.bench.buses:
            self.bench.buses[name] = register_bus(self.bench, node)
        config = Config(
            **{key: value for key, value in self.bench.config.items() if key != "links"}
        )
        regs = self.registers[name] = Registers(config, *self.bench.buses[name])
        node.configuration.clear()
        values = self._all_settings(name)
        for key, register in _MANAGED.items():
            await getattr(regs, register).write(values[key])
        await regs.ETHERTYPE.write(0x9AC6 if values["ieee"] else 0x0AC6)
        if self._has_ipv4:
            await regs.IPV4.write(opens=values["ipv4"], prefix=values["ipv4_prefix"])
            await regs.IPV4_MASK.write(values["ipv4_mask"])
            await regs.IPV4_ROUTER_UPPER.write(values["ipv4_router_upper"])
            await regs.IPV4_ROUTER_LOWER.write(values["ipv4_router_lower"])
        switches = [name for name in _SWITCHES if name in values]
        await regs.CONTROL.set(**{name: values[name] for name in switches})
        node.configuration.update(values)

    def set_ready(self, node, chance):
        for port in node.ready:
            node.ready[port] = chance

    # ---- events --------------------------------------------------------------------------------

    async def events(self):
        for time, kind, *values in self.script.events:
            wait = self.start + time - self.bench.now()
            if wait > 0:
                await self.bench.cycles(wait)
            done = getattr(self, f"_{kind}")(*values)
            if done is not None:
                await done
            self.bench.kick()

    def _address(self, name, partner):
        return self.partner[name].address if partner == PEER else ghost_address(partner)

    def _send(self, name, vc, partner, size):
        number = self.numbers[name]
        self.numbers[name] += 1
        self.nodes[name].send(self._address(name, partner), vc, payload(number, size))

    def _open(self, name, vc, partner):
        return self._command(name, vc, partner, 0)

    def _close(self, name, vc, partner):
        return self._command(name, vc, partner, 1)

    def _command(self, name, vc, partner, close):
        node, address = self.nodes[name], self._address(name, partner)
        if not self.managed:
            (node.close if close else node.open)(address, vc)
            return None
        return self.register_command(self.registers[name], address, vc, close)

    async def register_command(self, regs, address, vc, close):
        while (await regs.STATUS.fields())["command_busy"]:
            pass
        await regs.COMMAND_NODE.write(address)
        await regs.COMMAND.write(vc=vc, close=close)

    def _read(self, name, port, permille):
        self.nodes[name].ready[port] = permille / 1000

    def _pause(self, name, port, permille):
        port = "s_mac_rx" if port == "mac" else f"s_host_tx{port}"
        self.nodes[name].sources[port].gap = permille / 1000

    def _set(self, name, what, value):
        if what == "congestion" and not self._has_congestion:
            return None
        if self.managed:
            return self._set_register(name, what, value)
        node = self.nodes[name]
        node.configure(**{what: value})
        if what not in ("enable", "timer_tick"):
            value = bool(value) if what in ("selective", "congestion") else value
            self.followers[name].change(self.bench.now(), **{what: value})
        return None

    async def _set_register(self, name, what, value):
        """As software would: switched off, changed, switched on."""
        regs = self.registers[name]
        await regs.CONTROL.set(enable=0)
        await self.bench.cycles(16)
        if what in _MANAGED:
            await getattr(regs, _MANAGED[what]).write(value)
        elif what in _SWITCHES:
            await regs.CONTROL.set(**{what: value})
        if what not in ("enable", "timer_tick"):
            value = bool(value) if what in ("selective", "congestion") else value
            self.followers[name].change(**{what: value})
        if what != "enable" or value:
            await regs.CONTROL.set(enable=1)

    def _wire(self, name, *rates):
        self.wires[name].rates(*rates)

    def _foreign(self, name, *said):
        self._from_ghost(ETHERTYPE_SEED, name, *said)

    def _datagram(self, name, *said):
        self._from_ghost(ETHERTYPE_IPV4, name, *said)

    def _from_ghost(self, ethertype, name, opcode, vc, ghost, tx_id, rx_id, epoch, size):
        data = BLOCK[: max(size, 1)] if opcode == "PAYLOAD" else b""
        node = self.nodes[name]
        frame = Frame(
            ghost_address(ghost),
            node.address,
            Opcode[opcode],
            vc,
            tx_id,
            rx_id,
            epoch,
            0,
            ethertype,
            payload=data,
        )
        node.play(pack(frame, Network(node.configuration.get("ipv4_prefix", 10))))

    def _os(self, name, size):
        number = self.numbers["os"]
        self.numbers["os"] += 1
        frame = bytes.fromhex("ffffffffffff0200000000070800") + payload(number, size)
        self.os_sent[name].add(frame)
        self.nodes[name].os_send(frame)

    async def _drain(self, clocks):
        deadline = self.bench.now() + clocks
        while not self.settled() and self.bench.now() < deadline:
            await self.bench.cycles(STEP)

    def settled(self):
        return (
            not any(len(wire) for wire in self.wires.values())
            and not any(
                source.busy for node in self.nodes.values() for source in node.sources.values()
            )
            and all(follower.quiet for follower in self.followers.values())
        )


async def play(bench, script):
    """Play it; returns a dict with what happened, `failure` being None if all is right."""
    player = Player(bench, script)
    bench.survive()
    failure = kind = None
    try:
        await player.begin()
        await player.events()
        await Ending(player).run()
    except Exception as error:  # whatever it is: the next script is to be played, too
        kind, failure = type(error).__name__, str(error)
        if not isinstance(error, AssertionError):
            failure += "\n" + traceback.format_exc()
    finally:
        for follower in player.followers.values():
            follower.detach()
    followers = player.followers.values()
    return {
        "kind": kind,
        "failure": failure,
        "clocks": bench.now() - getattr(player, "start", 0),
        "clock": bench.now() - getattr(player, "start", 0),
        "delivered": player.deliveries.delivered,
        "excused": sum(follower.excused for follower in followers),
        "refused": sum(follower.refused for follower in followers),
        "replays": sum(follower.replays for follower in followers),
        "frames": sum(follower.frames for follower in followers),
        "faults": dict(sum((wire.counters for wire in player.wires.values()), Counter())),
        "noted": [fault for wire in player.wires.values() for fault in wire.noted],
        "cells": sorted({cell for follower in followers for cell in follower.cells}),
    }
