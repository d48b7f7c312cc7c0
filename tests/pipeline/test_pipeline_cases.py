"""The pipeline in single cases: kept packets, an end and a beginning, limits, the read-out."""

import pytest

from tests.pipeline.pipeline_bench import CONFIG, run
from ttpoe.link.fsm import Event, LinkState

WINDOW = CONFIG.reorder_window
ELSEWHERE = 2 * (CONFIG.sets - 1)  # a link's number in a set of no other event


async def opened(driver, node=5, received=100):
    """A selective link to `node`, whose peer's last in-order ID is `received`; its number."""
    fields = dict(event=Event.RX_OPEN, node=node, epoch=7, tx_id=received, selective=1)
    lid = (await driver.alone(fields))["lid"]
    record = await driver.alone(dict(event=Event.SENT, by_lid=1, lid=lid))
    assert record["tag.state"] == "OPEN" and record["tag.selective"]
    driver.records.clear()
    return lid


def packet(number, slot=0, node=5):
    return dict(event=Event.RX_PAYLOAD, node=node, epoch=7, tx_id=number, room=1, rx_slot=slot)


def look(lid, number):
    return dict(event=Event.LOOK, by_lid=1, lid=lid, tx_id=number)


def test_blocked_payload_keeps_its_slot_and_the_limit_holds():
    """`cfg_link_slots` is 6: the seventh payload of one link is BLOCKED (section 5.2)."""

    async def job(driver):
        for slot in range(8):
            await driver.put(dict(event=Event.HOST_PAYLOAD, node=5, slot=slot))

    records = run(job).records
    assert [r["outcome.result"] for r in records] == ["TAKEN"] * 6 + ["BLOCKED"] * 2
    assert records[-1]["tag.alloc"] == 6


def test_read_out_shows_a_tag_in_a_clock_without_an_event():
    """The door pauses for it every second clock; not in a clock in which a tag is written."""

    ready, shown = [], []

    async def job(driver):
        ctx, pipeline = driver.ctx, driver.pipeline
        tag = pipeline.o_inspected.payload
        lid = (await driver.alone(dict(event=Event.HOST_PAYLOAD, node=5, slot=0)))["lid"]
        ctx.set(pipeline.i_inspect.payload, lid)
        ctx.set(pipeline.i_inspect.valid, 1)
        await driver.put(dict(event=Event.TIMER, by_lid=1, lid=lid))
        for _clock in range(12):
            ready.append(ctx.get(pipeline.i_inspect.ready))
            shown.append(ctx.get(tag.timer) if ctx.get(pipeline.o_inspected.valid) else None)
            if shown[-1] is not None:
                assert ctx.get(tag.state) == LinkState.OPEN_SENT
                assert (ctx.get(tag.node), ctx.get(tag.alloc)) == (5, 1)
            await driver.pause(1)
        ctx.set(pipeline.i_inspect.valid, 0)

    run(job)
    # In every clock but those in which the tag is read for the event of the timer, and written.
    read, written = [clock for clock, value in enumerate(ready) if not value]
    assert written - read == 5
    assert [value is not None for value in shown[1:]] == [bool(value) for value in ready[:-1]]
    marks = [value for value in shown if value is not None]
    assert marks == sorted(marks) and marks[0] == 0 and marks[-1] == 1


@pytest.mark.parametrize("others", [0, 1, 2, 5, 8, 9])
def test_what_is_kept_is_found_and_what_is_delivered_is_not(others):
    """With events of another set between two: the directory and the tag are as old as each other."""

    async def job(driver):
        lid = await opened(driver)
        for fields in (
            packet(102, 20),
            packet(102, 21),
            packet(103, 22),
            packet(101, 23),
            look(lid, 102),
            look(lid, 103),
            look(lid, 103),  # of what came last in order, and nothing is kept
            look(lid, 104),
            packet(104, 26),
            # the places of 102 and 103 are free again
            packet(102 + WINDOW, 24),
            packet(103 + WINDOW, 25),
        ):
            await driver.put(fields)
            for _ in range(others):
                await driver.put(dict(event=Event.TIMER, by_lid=1, lid=ELSEWHERE))

    records = [r for r in run(job).records if r["event.event"] != "TIMER"]
    assert [(r["outcome.action"], r["tag.received"], r["tag.kept"]) for r in records] == [
        ("KEEP_NACK", 100, 1),
        ("LOSE", 100, 1),
        ("KEEP", 100, 2),
        ("DELIVER_LOOK", 101, 2),
        ("DELIVER_KEPT", 102, 1),
        ("DELIVER_KEPT", 103, 0),
        ("LOOK_OVER", 103, 0),
        ("NOTHING", 103, 0),
        ("DELIVER", 104, 0),
        ("KEEP_NACK", 104, 1),
        ("KEEP", 104, 2),
    ]
    assert [r["kept_slot"] for r in records if r["outcome.unkeeps"]] == [20, 22]


@pytest.mark.parametrize("between", [0, 1, 3])
def test_two_links_with_one_place_keep_one_packet(between):
    """The later one finds the place taken, however close behind the earlier one it comes; when
    that has been delivered the place is free."""

    async def job(driver):
        one = await opened(driver, node=5)
        await opened(driver, node=6, received=115)  # 5 ^ 102 and 6 ^ 117 end in the same 4 bits
        for fields in (
            packet(102, 20, node=5),
            packet(117, 21, node=6),
            packet(101, 22, node=5),
            look(one, 102),
            packet(117, 23, node=6),
        ):
            await driver.put(fields)
            await driver.pause(between)

    records = run(job).records
    assert [(r["node"], r["outcome.action"]) for r in sorted(records, key=lambda r: r["node"])] == [
        (5, "KEEP_NACK"),
        (5, "DELIVER_LOOK"),
        (5, "DELIVER_KEPT"),
        (6, "NACK_ALL"),
        (6, "KEEP"),
    ]


@pytest.mark.parametrize("nodes", [(5, 6, 7, 8, 9, 10), (5, 6), (5,)])
def test_no_more_is_kept_than_there_are_slots(nodes):
    """Packets of different links one per clock: each is decided before the next is counted."""

    async def job(driver):
        for node in nodes:
            await opened(driver, node)
        driver.ctx.set(driver.bench.hoards, 1)
        for number in range(6):
            node, turn = nodes[number % len(nodes)], number // len(nodes)
            await driver.put(packet(102 + 2 * turn, number, node))

    records = run(job).records
    assert [r["outcome.keeps"] for r in records] == [1] * CONFIG.reorder_slots + [0] * 2


@pytest.mark.parametrize("gap", [0, 1, 3, 7, 9])
def test_a_link_that_opens_right_behind_its_end_starts_afresh(gap):
    """Whatever of the old tag is still on its way; the old one's kept packets wait for PURGE."""

    async def job(driver):
        await opened(driver)
        await driver.put(packet(103))
        # The link's own epoch is the first of `identity`: 0xFFFE.
        await driver.put(dict(event=Event.RX_NACK_NOLINK, node=5, epoch=0xFFFE))
        await driver.pause(gap)
        await driver.put(dict(event=Event.HOST_OPEN, node=5))

    kept, lost, new = run(job).records
    assert (kept["outcome.action"], lost["outcome.action"]) == ("KEEP_NACK", "LINK_LOST")
    assert lost["outcome.purges"] and new["outcome.action"] == "OPEN_BY_HOST"
    zero = """alloc sent current lag held gap kept looking heard close_due close_nacked end_known
              end_ahead timer retries peer_epoch"""
    wanted = dict.fromkeys(zero.split(), 0) | dict(purging=new["lid"] == lost["lid"])
    assert {name: new[f"tag.{name}"] for name in wanted} == wanted


@pytest.mark.parametrize("gap", [0, 1, 3, 9])
def test_the_round_of_questions_of_one_link_is_seen_by_the_next(gap):
    """One round for all links (R6): the timer of the second one begins none before it is over."""

    async def job(driver):
        one, other = [await opened(driver, node) for node in (5, 6)]
        for node in (5, 6):
            await driver.alone(packet(103, node, node))
        for fields in (
            dict(event=Event.TIMER, lid=one),
            dict(event=Event.TIMER, lid=other),
            dict(event=Event.ASK, lid=one, tx_id=103, room=1),  # says that it was the last one
            dict(event=Event.TIMER, lid=other),
        ):
            await driver.put(dict(fields, by_lid=1))
            await driver.pause(gap)

    records = [r for r in run(job).records if r["event.event"] == "TIMER"]
    assert [r["outcome.asks"] for r in records] == [1, 0, 1]


@pytest.mark.parametrize("freed", [True, False])
def test_the_retirer_hears_that_its_list_was_freed(freed):
    """Before the slots can be another link's, until its RETIRE; its own link's end alone."""
    cut = []

    async def job(driver):
        async def sees(fields):
            lid = (await driver.alone(fields))["lid"]
            cut.append(driver.ctx.get(driver.pipeline.o_cut))
            return lid

        await opened(driver, node=6)
        lid = await opened(driver, node=1)
        for slot in range(3):
            await sees(dict(event=Event.HOST_PAYLOAD, node=1, slot=slot))
        una = driver.records[0]["tag.una"]
        await sees(dict(event=Event.RX_ACK, node=1, epoch=7, rx_id=una + 2))
        assert driver.records[-1]["tag.lag"] == 2
        ends = driver.records[-1]["tag.epoch"] if freed else 0xFFFE
        await sees(dict(event=Event.RX_NACK_NOLINK, node=1 if freed else 6, epoch=ends))
        assert driver.records[-1]["outcome.action"] == "LINK_LOST"
        await sees(dict(event=Event.RETIRE, by_lid=1, lid=lid, slot=2, rx_id=2))

    records = run(job).records
    assert cut == [0, 0, 0, 0, freed, 0]
    assert records[-1]["outcome.action"] == ("NOTHING" if freed else "RETIRE_RUN")
