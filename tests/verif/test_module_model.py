"""The reference model against peers that behave as Tesla's module does (decisions Z1 to Z9).

Schedules are drawn by hypothesis: what hosts and users do and when, what the wire does, and every
variant of what protocol section 10 leaves open. `Ledger` says what must hold.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttpverif.frames.frame import Frame, Opcode
from ttpverif.model.states import State
from ttpverif.module import Options
from ttpverif.module.ledger import Ledger, LedgerError
from ttpverif.module.meeting import ENGINE, Meeting, check_control
from ttpverif.module.options import CHOICES

STARTS = (0, 1, 1000, 2**31 - 8, 2**32 - 1, 2**32 - 2, 2**32 - 16)
SIZES = (1, 3, 4, 20, 64, 500, 1000, 1008)


def meeting(start=1, seed=1, **arguments):
    """One module, a perfect wire unless told."""
    told = {name: arguments.pop(name) for name in list(arguments) if name in CHOICES}
    return Meeting(seed, {1: Options(start_id=start, mutes_third_vc=False, **told)}, **arguments)


def data_flows(pair, vc=0):
    """One packet each way."""
    pair.do("write", vc=vc)
    pair.pass_time(30)
    pair.do("send", vc=vc)
    pair.pass_time(100)
    assert pair.ledger.delivered >= 2


# ---- drawn schedules ------------------------------------------------------------------------


def options(starts, **fixed):
    drawn = {name: st.sampled_from(choices) for name, choices in CHOICES.items()}
    return st.builds(
        Options,
        start_id=st.sampled_from(starts),
        events=st.just(16),
        mutes_third_vc=st.just(False),
        **{**drawn, **fixed},
    )


def schedules(*kinds, vcs=(0, 1, 2), nodes=(1,), longest=40):
    """[(what, node, VC, bytes, ms until the next)]: mostly data."""
    return st.lists(
        st.tuples(
            st.sampled_from(("send", "write") * 4 + ("read", "read") + kinds),
            st.sampled_from(nodes),
            st.sampled_from(vcs),
            st.sampled_from(SIZES),
            st.sampled_from((0, 1, 3, 10, 100, 400, 1500)),
        ),
        min_size=3,
        max_size=longest,
    )


FAULT_RATES = st.fixed_dictionaries(
    {
        "loss": st.sampled_from((0.0, 0.05, 0.2)),
        "duplicate": st.sampled_from((0.0, 0.1)),
        "reorder": st.sampled_from((0.0, 0.1)),
    }
)
NO_FAULTS = st.just({})


def play(seed, chosen, faults, schedule, nodes=(1,), **arguments):
    pair = Meeting(seed, dict.fromkeys(nodes, chosen), faults, **arguments)
    try:
        for what, node, vc, size, pause in schedule:
            pair.do(what, node, vc, size)
            pair.pass_time(pause)
            if pause > 1000:  # else its page is full for so long that control frames pile up
                pair.do("read", node)
        pair.finish()
    except AssertionError as error:
        raise AssertionError(f"{error}\n{chosen}, {faults}, {arguments}\n{pair.story()}") from error
    return pair


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**20), options(STARTS), schedules())
def test_data_on_a_perfect_wire(seed, chosen, schedule):
    pair = play(seed, chosen, {}, schedule)
    assert not set(pair.ledger.notices) - {"LINK_UP", "LINK_DOWN"}


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 2**20),
    options(STARTS),
    FAULT_RATES,
    schedules(),
    st.sampled_from((50, 100, 400)),
)
def test_data_on_a_bad_wire(seed, chosen, faults, schedule, round_ms):
    play(seed, chosen, faults, schedule, round_ms=round_ms, max_retry=30)


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 2**20),
    options(STARTS),
    FAULT_RATES,
    schedules("module_open", "module_open"),
    st.sampled_from((0.0, 0.1)),
)
def test_its_user_opens_again_and_opens_come_late(seed, chosen, faults, schedule, late):
    play(seed, chosen, faults, schedule, late_opens=late, max_retry=30)


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 2**20),
    options(STARTS),
    FAULT_RATES,
    schedules("close", "module_close", "open", "module_open"),
    st.sampled_from((0, 3)),
)
def test_either_side_closes(seed, chosen, faults, schedule, idle_limit):
    play(seed, chosen, faults, schedule, idle_limit=idle_limit)


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 2**20),
    options(STARTS),
    FAULT_RATES,
    st.sampled_from((("reload",), ("reset",), ("reload", "reset"))).flatmap(
        lambda kinds: schedules(*kinds)
    ),
)
def test_either_side_restarts(seed, chosen, faults, schedule):
    play(seed, chosen, faults, schedule)


@settings(max_examples=10, deadline=None)
@given(
    st.integers(0, 2**20),
    options(STARTS),
    schedules("reload", "reset", "module_open", "close", "module_close"),
)
def test_anything_on_a_perfect_wire(seed, chosen, schedule):
    play(seed, chosen, {}, schedule)


@settings(max_examples=10, deadline=None)
@given(
    st.integers(0, 2**20),
    options(STARTS),
    FAULT_RATES,
    schedules("reload", "close", "module_close", nodes=(1, 2, 3)),
)
def test_several_modules(seed, chosen, faults, schedule):
    play(seed, chosen, faults, schedule, nodes=(1, 2, 3))


# ---- one case each --------------------------------------------------------------------------


@pytest.mark.parametrize("start", STARTS)
def test_the_engine_restarts_and_opens(start):
    """Capture 31: the module sends on where it was; the engine has guessed."""
    pair = meeting(start)
    for _ in range(5):
        data_flows(pair)
    pair.do("reset")
    pair.do("send")
    pair.pass_time(50)
    pair.do("write")
    pair.pass_time(100)
    pair.finish()
    assert pair.ledger.delivered == 12 and "PEER_RESTARTED" not in pair.ledger.notices


@pytest.mark.parametrize("start", STARTS)
def test_the_module_restarts_and_opens(start):
    """Capture 32: the host hears of it, and nothing is NACKed without end."""
    pair = meeting(start)
    for _ in range(5):
        data_flows(pair)
    pair.do("reload")
    pair.do("module_open")
    pair.pass_time(50)
    pair.do("send")
    pair.pass_time(300)
    pair.do("write")
    pair.pass_time(300)
    pair.do("send")
    pair.finish()
    assert pair.ledger.notices["PEER_RESTARTED"] == 1 and pair.net.control < 120


@pytest.mark.parametrize("closer", ["module_close", "close"])
def test_a_close_while_its_page_is_full(closer):
    """Captures 33 to 36: nothing that was handed over is lost."""
    pair = meeting()
    for _ in range(6):
        pair.do("send", size=1000)
    pair.pass_time(300)
    pair.do(closer)
    pair.pass_time(200)
    assert pair.engine.endpoint.state(1, 0) in (State.CLOSE_SENT, State.CLOSE_RECD)
    pair.finish()
    assert pair.ledger.delivered == 6 and pair.ledger.notices["LINK_DOWN"] == 1


@pytest.mark.parametrize("lost", ["PAYLOAD", "ACK"])
def test_the_module_is_woken(lost):
    """Capture 38: its PAYLOAD or our ACK is lost and ours arrives; nobody writes more."""
    pair = meeting()
    data_flows(pair)
    pair.net.lose(lost, to="engine" if lost == "PAYLOAD" else "module")
    pair.do("write")
    pair.do("send")
    pair.pass_time(4)
    assert pair.modules[1].tags[ENGINE, 0].out
    pair.pass_time(1000)
    assert not pair.modules[1].tags[ENGINE, 0].out and pair.ledger.delivered == 4
    pair.finish()


def test_an_open_that_comes_late():
    pair = meeting(late_opens=1.0)
    for _ in range(8):
        data_flows(pair)
        pair.pass_time(120)
    pair.pass_time(1000)
    pair.finish()
    assert pair.net.late_opens and pair.ledger.delivered == 16
    assert set(pair.ledger.notices) == {"LINK_UP", "LINK_DOWN"}


def test_its_user_opens_again_while_an_ack_is_missing():
    pair = meeting()
    data_flows(pair)
    pair.do("write")
    pair.pass_time(10)
    pair.net.lose("ACK")
    pair.do("write")
    pair.pass_time(10)
    pair.do("module_open")
    pair.pass_time(500)
    pair.finish()
    assert pair.ledger.delivered == 4 and "PEER_RESTARTED" not in pair.ledger.notices


def test_id_0_comes_again():
    """Its NACK names the last good ID. An ID 0 that comes again gets NACK(0), which says that 0 has
    arrived (Z6); taken for a request it would bring ID 0 again at once, for ever."""
    pair = meeting(start=2**32 - 1)
    pair.do("module_open")
    pair.pass_time(20)
    pair.net.lose("ACK", to="engine")
    pair.do("send")
    pair.pass_time(1000)
    assert pair.net.control < 20, f"{pair.net.control} control frames for one packet"
    pair.finish()


def test_close_of_a_guess():
    """Its CLOSE_NACK carries 0, for all we know (section 2), and for a start ID in the upper half 0
    is as far beyond what it has sent as INIT_ID (Z8)."""
    pair = meeting(start=2**32 - 16)
    pair.do("open")
    pair.pass_time(50)
    pair.do("close")
    pair.pass_time(4000)
    assert not pair.ledger.notices["RETRIES_USED_UP"] and not pair.modules[1].tags


def test_close_ack_unasked_is_lost():
    """Z3: the module's CLOSE timer was cancelled by our PAYLOAD."""
    pair = meeting()
    pair.do("module_open")
    pair.pass_time(20)
    pair.net.lose("ACK", to="engine")
    pair.do("send")
    pair.pass_time(5)
    pair.do("module_close")
    pair.net.lose("CLOSE_ACK")
    pair.pass_time(4000)
    assert not pair.modules[1].tags, "the module's link can be freed only by unloading it"


def test_close_is_lost_and_we_close():
    """Our wake cancels its CLOSE timer, and it waits for CLOSE_ACK; later we close. It answers as in
    capture 16, and if only a CLOSE_ACK ends its link ours must come (Z2)."""
    pair = meeting(crossing_close_ends=False)
    data_flows(pair)
    pair.net.lose("CLOSE", to="engine")
    pair.do("module_close")
    pair.pass_time(400)
    pair.do("close")
    pair.pass_time(4000)
    assert not pair.modules[1].tags


def test_retries_used_up_while_it_closes():
    """Its CLOSE is lost and its page full; our retries are used up, and it waits for CLOSE_ACK (Z3)."""
    pair = meeting(max_retry=3)
    for _ in range(6):
        pair.do("send", size=1000)
    pair.pass_time(100)
    pair.net.lose("CLOSE", to="engine")
    pair.do("module_close")
    pair.pass_time(4000)
    assert pair.ledger.notices["RETRIES_USED_UP"] == 1
    assert not pair.modules[1].tags


def test_late_opens_move_the_position_back():
    """Two late OPENs that nobody asked for: believed, what was delivered would come again, and be
    delivered again, without a notice (Z4)."""
    pair = meeting()
    data_flows(pair)
    pair.do("module_open")
    for _ in range(3):
        data_flows(pair)
    pair.net.lose("ACK")
    pair.do("write")
    pair.pass_time(10)
    late = Frame(1, ENGINE, Opcode.OPEN, 0, 2, 2, ethertype=0x9AC6)
    rx_id = (pair.engine.endpoint.links.find(1, 0).oldest - 1) & 0xFFFFFFFF
    for _ in range(2):
        pair.engine.receive(Frame(1, ENGINE, late.opcode, 0, 2, rx_id, ethertype=0x9AC6).pack())
        pair._settle()
    pair.pass_time(2000)
    pair.finish()


# ---- the ledger itself ------------------------------------------------------------------------


def filled():
    ledger = Ledger()
    for number in range(3):
        ledger.engine_put(1, 0, b"e%d" % number)
        ledger.module_put(1, 0, b"m%d" % number)
    return ledger


def test_the_ledger_sees_every_kind_of_fault():
    for got, kind in (
        ((b"e0", b"e0"), "twice"),
        ((b"e1", b"e0"), "out of order"),
        ((b"??",), "nobody put in"),
    ):
        ledger = filled()
        with pytest.raises(LedgerError, match=kind):
            for data in got:
                ledger.module_got(1, 0, data)
    with pytest.raises(LedgerError, match=r"to module, .* \[0, 1, 2\] of 3 lost in silence"):
        filled().finish()
    ledger = filled()
    ledger.notice("LINK_UP", 1, 0)
    ledger.module_got(1, 0, b"e2")
    ledger.engine_got(1, 0, b"m0")
    with pytest.raises(LedgerError, match=r"to module, .* \[0, 1\] of 3"):
        ledger.finish()


def test_what_the_ledger_excuses():
    ledger = filled()
    ledger.engine_got(1, 0, b"m0")
    ledger.notice("PEER_RESTARTED", 1, 0)
    ledger.engine_got(1, 0, b"m0")
    with pytest.raises(LedgerError, match="twice"):
        ledger.engine_got(1, 0, b"m0")
    ledger.module_put(1, 0, b"the first after it")
    ledger.finish()
    ledger.module_put(1, 0, b"the second")
    with pytest.raises(LedgerError, match="lost in silence"):
        ledger.finish()
    ledger.module_dropped(1, 0, b"the second")
    ledger.finish()
    ledger = filled()
    ledger.engine_restarted(1, 0)
    ledger.finish()


def test_control_frames_are_counted():
    pair = meeting()
    pair.net.control = 81
    with pytest.raises(AssertionError, match="81 control frames for 0 packets"):
        check_control(pair.net)
