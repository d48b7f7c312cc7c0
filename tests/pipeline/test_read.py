"""Q1 by itself: whose tag an event finds, and what is known of the other link of the set."""

import random

import pytest

from tests.coded import coded
from tests.streams import simulate
from ttpoe.config import preset
from ttpoe.link.fsm import Event, LinkState
from ttpoe.link.table import key_layout, stored_tag, tag_layout
from ttpoe.memory.secded import chunks
from ttpoe.pipeline.q1_read import ReadTag
from ttpoe.pipeline.records import pipeline_event_layout

CONFIG = preset("tiny")
NODE, OTHER, THIRD = 0x010203, 0x040506, 0x070809
MINE = dict(state=LinkState.OPEN, node=NODE, vc=1, una=0x1234, head=3)
ANOTHER = dict(state=LinkState.CLOSE_SENT, node=OTHER, vc=1, una=0x777, tail=5)
FREE = dict(state=LinkState.CLOSED, una=0x999, kept=2, queued=1, purging=1, lag=0)
BY_KEY = dict(event=Event.RX_ACK, node=NODE, vc=1, tx_id=77)


def found(asked):
    """What Q1 finds for (event, row, tags of both ways), one per clock."""
    dut = ReadTag(CONFIG)
    event_layout, tag = pipeline_event_layout(CONFIG), tag_layout(CONFIG)
    results = []

    async def testbench(ctx):
        for clock in range(len(asked) + 3):
            ctx.set(dut.i_event.valid, clock < len(asked))
            if clock < len(asked):
                event, row, _tags = asked[clock]
                ctx.set(dut.i_event.payload, event_layout.const(event))
                ctx.set(dut.i_row, row)
            if 1 <= clock <= len(asked):  # one clock behind the event
                assert (
                    ctx.get(dut.o_row.valid) and ctx.get(dut.o_row.payload) == asked[clock - 1][1]
                )
                for way, fields in enumerate(asked[clock - 1][2]):
                    key = {name: fields.get(name, 0) for name in key_layout.members}
                    ctx.set(dut.i_keys[way], key_layout.const(key))
            if 2 <= clock <= len(asked) + 1:
                for way, fields in enumerate(asked[clock - 2][2]):
                    ctx.set(dut.i_tags[way], tag.const(fields))
            assert ctx.get(dut.o_found.valid) == (clock >= 3)
            if clock >= 3:
                results.append(ctx.get(dut.o_found.payload))
            await ctx.tick()
        assert not ctx.get(dut.o_found.valid)

    simulate(dut, testbench)
    return results


def one(event, *tags):
    (result,) = found([(event, 2, tags)])
    assert result.row == 2 and result.event == pipeline_event_layout(CONFIG).const(event)
    return result


def is_tag(result, fields):
    return result.tag == tag_layout(CONFIG).const(fields)


@pytest.mark.parametrize("way", [0, 1])
@pytest.mark.parametrize("other", [ANOTHER, FREE, dict(MINE, vc=0), dict(MINE, node=OTHER)])
def test_a_link_is_found_by_its_key(way, other):
    tags = (MINE, other) if way == 0 else (other, MINE)
    result = one(BY_KEY, *tags)
    assert (result.way, result.missed, result.full) == (way, 0, 0)
    assert is_tag(result, MINE)


@pytest.mark.parametrize("way", [0, 1])
@pytest.mark.parametrize("tag", [MINE, FREE])
def test_a_link_is_found_by_its_number(way, tag):
    """Also a free one, whatever node and VC the event shows: its tag as it lies there."""
    event = dict(event=Event.TIMER, by_lid=1, lid=4 | way, node=OTHER, vc=1)
    result = one(event, *((tag, ANOTHER) if way == 0 else (ANOTHER, tag)))
    assert (result.way, result.missed, result.full) == (way, 0, 0)
    assert is_tag(result, tag)


@pytest.mark.parametrize(
    "tags, way, full",
    [
        ((FREE, FREE), 0, 0),
        ((FREE, ANOTHER), 0, 0),
        ((ANOTHER, FREE), 1, 0),
        ((ANOTHER, dict(ANOTHER, node=THIRD)), 1, 1),
        ((dict(MINE, vc=0), dict(MINE, node=OTHER)), 1, 1),
        ((dict(FREE, node=NODE, vc=1), ANOTHER), 0, 0),  # what the last link left is no key
    ],
)
def test_a_link_that_is_not_there_gets_the_free_way(tags, way, full):
    """Of what the last link left there only two bits count."""
    result = one(BY_KEY, *tags)
    assert (result.way, result.missed, result.full) == (way, 1, full)
    left = tags[way]
    assert is_tag(result, dict(queued=left.get("queued", 0), purging=left.get("purging", 0)))


@pytest.mark.parametrize("bit", ["queued", "purging"])
@pytest.mark.parametrize("way", [0, 1])
def test_the_bits_of_the_free_way_are_its_own(bit, way):
    taken, free = dict(ANOTHER, queued=1, purging=1), dict(state=LinkState.CLOSED)
    free[bit] = 1
    result = one(BY_KEY, *((free, taken) if way == 0 else (taken, free)))
    assert result.way == way and is_tag(result, {bit: 1})


@pytest.mark.parametrize("touches", [(0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("tags, way", [((MINE, ANOTHER), 0), ((FREE, ANOTHER), 0),
                                       ((ANOTHER, MINE), 1), ((ANOTHER, FREE), 1)])  # fmt: skip
def test_touch_bits_of_both_ways(tags, way, touches):
    tags = [dict(tag, touch=touch) for tag, touch in zip(tags, touches)]
    result = one(BY_KEY, *tags)
    assert (result.own_touch, result.other_touch) == (touches[way], touches[1 - way])


@pytest.mark.parametrize("way", [0, 1, None])
def test_the_victim_of_the_set_goes_with_the_event(way):
    """Who it is `test_victim` says."""
    busy, idle = ANOTHER, dict(state=LinkState.OPEN, node=THIRD, timer=1)
    tags = [idle if number == way else busy for number in range(2)]
    result = one(BY_KEY, *tags)
    assert result.victim_valid == (way is not None)
    assert way is None or result.victim_way == way


def test_one_event_per_clock():
    """Each finds its own: nothing of the one in front or behind."""
    rng = random.Random(1)
    asked, expected = [], []
    for _ in range(200):
        kinds = [rng.choice((MINE, ANOTHER, FREE)) for _way in range(2)]
        tags = [dict(tag, una=rng.getrandbits(32), touch=rng.randrange(2)) for tag in kinds]
        if kinds[0] is kinds[1] is MINE:  # no link is there twice
            tags[1]["vc"] = 0
        by_lid, way = rng.randrange(2), rng.randrange(2)
        event = dict(BY_KEY, by_lid=by_lid, lid=way, tx_id=rng.getrandbits(32))
        row = rng.randrange(CONFIG.rows)
        asked.append((event, row, tags))
        hits = [w for w in range(2) if tags[w].get("node") == NODE and tags[w]["vc"] == 1]
        used = [tag["state"] != LinkState.CLOSED for tag in tags]
        if by_lid:
            hits = [way]
        expected.append((event["tx_id"], row, hits[0] if hits else int(used[0]), not hits,
                         tags[hits[0]]["una"] if hits else 0))  # fmt: skip
    results = found(asked)
    assert [(r.event.tx_id, r.row, r.way, bool(r.missed), r.tag.una) for r in results] == expected
    assert len({(missed, way) for _id, _row, way, missed, _una in expected}) == 4


# ---- check bits ----------------------------------------------------------------------------------


@pytest.mark.parametrize("flips", [0, 1, 2])
@pytest.mark.parametrize("wrong", [0, 1], ids=["its own tag", "the other one"])
def test_a_wrong_bit_of_a_tag(wrong, flips):
    """That of the event's link is put right and counts, wherever it is; the other one is not used."""
    config = CONFIG.replace(protect="secded")
    dut, tag, rng = ReadTag(config), tag_layout(config), random.Random(flips)
    size, lies = tag.size, stored_tag(config).width

    async def testbench(ctx):
        for _ in range(60):
            event = pipeline_event_layout(config).const(BY_KEY)
            ctx.set(dut.i_event.payload, event)
            ctx.set(dut.i_event.valid, 1)
            await ctx.tick()
            ctx.set(dut.i_event.valid, 0)
            for way, fields in enumerate((MINE, ANOTHER)):
                key = {name: fields.get(name, 0) for name in key_layout.members}
                ctx.set(dut.i_keys[way], key_layout.const(key))
            await ctx.tick()
            # Two wrong bits are seen in one part; over two parts they are two corrections.
            begin, end = rng.choice(chunks(size))
            places = rng.sample([*range(begin, end)], flips) if flips else []
            if flips == 1 and rng.random() < 0.3:
                places = [rng.randrange(size, lies)]
            for way, fields in enumerate((MINE, ANOTHER)):
                word = coded(tag.const(fields).as_bits(), size)
                if way == wrong:
                    word ^= sum(1 << place for place in places)
                ctx.set(dut.i_tags[way], word)
            await ctx.tick()
            found = ctx.get(dut.o_found.payload)
            await ctx.tick()
            errors, counts = ctx.get(dut.o_errors), wrong == 0
            assert errors.corrected == (counts and flips == 1)
            assert errors.uncorrectable == (counts and flips == 2)
            assert flips == 2 and counts or found.tag == tag.const(MINE)
            assert not found.missed and found.way == 0
            await ctx.tick()
            assert not ctx.get(dut.o_errors.as_value())

    simulate(dut, testbench)


@pytest.mark.parametrize("way", [0, 1])
def test_a_tag_that_is_shown_is_put_right(way):
    config = CONFIG.replace(protect="secded")
    dut, tag = ReadTag(config), tag_layout(config)

    async def testbench(ctx):
        ctx.set(dut.i_show_way, way)
        for place in range(0, stored_tag(config).width, 5):
            for number, fields in enumerate((MINE, ANOTHER)):
                ctx.set(
                    dut.i_tags[number], coded(tag.const(fields).as_bits(), tag.size) ^ 1 << place
                )
            await ctx.tick()
            assert ctx.get(dut.o_shown) == tag.const((MINE, ANOTHER)[way])
            assert not ctx.get(dut.o_errors.as_value())

    simulate(dut, testbench)
