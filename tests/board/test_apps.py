"""`Echo` and `Traffic` at streams without an engine: a wire that sends back, late, or wrong."""

import random

import pytest

from tests.board.host_beats import beats
from tests.streams import receive_packet, send_packet, simulate
from ttpoe.board.app_streams import VCS
from ttpoe.board.apps import APP_COMPONENTS, Echo, Traffic
from ttpoe.board.register_file import RegisterFile
from ttpoe.board.registers import APPS, board_registers
from ttpoe.config import preset
from ttpoe.traffic.checker import TrafficError

TINY = preset("tiny")
NODE = 0xABCDEF


def test_echo_sends_back_and_counts():
    dut, rng = Echo(TINY), random.Random(1)
    packets = [rng.randbytes(length) for length in (1, 7, 8, 9, 64, 1024)]
    returned = []

    async def host(ctx):
        for vc in range(VCS):
            for packet in packets:
                await send_packet(ctx, dut.i[vc], beats(packet, node=NODE + vc, id=5))
        await ctx.tick().repeat(3)
        assert ctx.get(dut.echo_packets_value) == 3 * len(packets)
        assert ctx.get(dut.echo_bytes_value) == 3 * sum(map(len, packets))
        assert not ctx.get(dut.fault)

    async def engine(ctx):
        for vc in range(VCS):
            for _ in packets:
                got = await receive_packet(ctx, dut.o[vc], lambda: rng.random() < 0.7)
                assert {beat.node for beat in got} == {NODE + vc}
                octets = b"".join(
                    beat.data.to_bytes(8, "little")[: int(beat.keep).bit_count()] for beat in got
                )
                returned.append(octets)

    simulate(dut, host, engine)
    assert returned == packets * 3


class Loop:
    """A wire from the traffic's output to its input: a packet comes back `late` clocks after its end,
    and `spoil(number, beat)` may change it."""

    def __init__(self, dut, late=0, spoil=None):
        self.dut, self.late, self.spoil, self.lengths, self.under_way = dut, late, spoil, [], 0
        self.most = 0

    async def run(self, ctx):
        number = 0
        while True:
            got = await receive_packet(ctx, self.dut.o[0])
            assert {beat.node for beat in got} == {NODE}
            self.lengths.append(sum(int(beat.keep).bit_count() for beat in got))
            for _ in range(self.late):
                await ctx.tick()
            back = [
                dict(data=b.data, keep=b.keep, last=b.last, node=b.node, id=number) for b in got
            ]
            if self.spoil:
                self.spoil(number, back)
            await send_packet(ctx, self.dut.i[0], back)
            number += 1


def run_traffic(loop, limit, clocks, one=0, lengths=0, seed=7):
    """Runs; `{name: value}` of all that it shows."""
    dut, shown = loop.dut, {}

    async def software(ctx):
        await ctx.tick().repeat(3)
        ctx.set(dut.traffic_node_node, NODE)
        ctx.set(dut.traffic_seed_value, seed)
        ctx.set(dut.traffic_limit_packets, limit)
        ctx.set(dut.traffic_control_one, one)
        ctx.set(dut.traffic_control_lengths, lengths)
        ctx.set(dut.traffic_control_enable, 1)
        await ctx.tick().repeat(20)
        assert ctx.get(dut.traffic_sent_value) == 0 and not loop.lengths  # in reset
        ctx.set(dut.traffic_control_reset, 0)
        await ctx.tick().repeat(clocks)
        shown.update(
            (name, ctx.get(getattr(dut, name)))
            for name in dut.signature.members
            if name.startswith(("traffic_", "ping_"))
        )

    simulate(dut, software, background=[loop.run])
    return shown


@pytest.mark.parametrize("limit", [1, 2, 25])
@pytest.mark.parametrize("one", [0, 1])
def test_as_many_as_were_asked_for(limit, one):
    loop = Loop(Traffic(TINY), late=3)
    shown = run_traffic(loop, limit, 1500, one)
    assert shown["traffic_sent_value"] == shown["traffic_received_value"] == limit
    assert len(loop.lengths) == limit
    assert shown["traffic_bytes_value"] == sum(loop.lengths)
    assert shown["traffic_error_error"] == 0


@pytest.mark.parametrize("late", [0, 40])
def test_round_trips(late):
    """Of one at a time: the packet's beats each way, what the wire adds, and the checker's clocks."""
    loop = Loop(Traffic(TINY), late)
    shown = run_traffic(loop, 10, 2000, one=1)
    trips = [2 * -(-length // 8) + late for length in loop.lengths]
    extra = shown["ping_last_value"] - trips[-1]
    assert 0 < extra < 6
    assert shown["ping_least_value"] == min(trips) + extra
    assert shown["ping_most_value"] == max(trips) + extra
    assert shown["ping_sum_value"] == sum(trips) + 10 * extra
    assert shown["traffic_clocks_value"] >= shown["ping_sum_value"]


@pytest.mark.parametrize(
    "what, change",
    [
        (TrafficError.DATA, lambda beat: beat.update(data=beat["data"] ^ 1 << 40)),
        (TrafficError.NUMBER, lambda beat: beat.update(data=beat["data"] ^ 1)),
        (TrafficError.NODE, lambda beat: beat.update(node=NODE + 1)),
        (TrafficError.ID, lambda beat: beat.update(id=beat["id"] + 1)),
    ],
)
def test_what_comes_back_wrong_is_told(what, change):
    dut = Traffic(TINY)

    def spoil(number, back):
        if number == 4:
            for beat in back[:1]:
                change(beat)

    shown = run_traffic(Loop(dut, spoil=spoil), 10, 1500, lengths=1)
    assert shown["traffic_error_error"] == what.value
    assert shown["traffic_error_number_value"] == 4 and shown["traffic_received_value"] == 4


@pytest.mark.parametrize("app", APPS)
def test_registers_and_application_fit(app):
    """Each register of an application is a member of it, and the other way round."""
    members = set(APP_COMPONENTS[app](TINY).signature.members) - {"i", "o", "fault"}
    shown = set(RegisterFile(board_registers(app, 50e6)).signature.members) - {"s_axil"}
    assert {name[2:] for name in shown if "board_" not in name} == members
    addresses = [register.address for register in board_registers(app, 50e6)]
    assert len(set(addresses)) == len(addresses) and addresses == sorted(addresses)
