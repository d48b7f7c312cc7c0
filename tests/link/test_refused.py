"""What is refused and told: used IDs (L19), our own address (L20), a link that closes (L21)."""

import pytest

from tests.link.link_bench import changes, decide
from ttpoe.layouts import HostResult, Notice
from ttpoe.link.fsm import Event, LinkState
from ttpoe.protocol import Opcode

PEER, R, UNA = 0x31, 500, 100
LINK = dict(una=UNA, received=R, alloc=3, sent=2, current=2, peer_epoch=PEER)
DATA = (LinkState.OPEN, LinkState.CLOSE_SENT, LinkState.CLOSE_RECD)


@pytest.mark.parametrize("state", DATA)
def test_a_repeated_open_whose_ids_were_used_is_refused(state):
    def check(link):
        for tx_id, gap in ((R - 1, 0), (R - 300, 0), (R + 1, 0), (R, 1), (R - 1, 1)):
            before = dict(link.set(state, **LINK, gap=gap, seen=R + 4).tag)
            out = link(Event.RX_OPEN, tx_id=tx_id, rx_id=9, epoch=PEER, ieee=1)
            # Believed only with the opener's own ID and epoch (L7).
            assert out["frame"] == (Opcode.OPEN_NACK, 0, tx_id)
            assert (out["epoch"], out["ieee"]) == (PEER, 1)
            assert out["notice"] == Notice.IDS_REUSED and out["stats"] == {"open_reused"}
            assert not changes(before, link.tag) and not out["evicts"]
        out = link.set(state, **LINK)(Event.RX_OPEN, tx_id=R, epoch=PEER)
        assert out["frame"] == (Opcode.OPEN_ACK, UNA, R) and out["notice"] is None

    decide(check)


def test_in_open_recd_no_id_was_used():
    def check(link):
        for tx_id in (R, R - 1):
            out = link.set(LinkState.OPEN_RECD, **dict(LINK, sent=0, current=0))(
                Event.RX_OPEN, tx_id=tx_id, epoch=PEER
            )
            assert out["frame"] == (Opcode.OPEN_ACK, UNA, tx_id) and not out["stats"]

    decide(check)


@pytest.mark.parametrize("full", [0, 1])
def test_no_link_with_ourselves(full):
    def check(link):
        out = link.set(LinkState.CLOSED)(Event.HOST_PAYLOAD, own=1, full=full, slot=3)
        assert out["result"] == HostResult.REFUSED and out["free_own"]
        assert out["notice"] == Notice.REFUSED and out["stats"] == {"host_refused"}
        assert out["frame"] is None and not out["evicts"]
        assert link.tag["state"] == LinkState.CLOSED
        out = link.set(LinkState.CLOSED)(Event.HOST_OPEN, own=1, full=full)
        assert out["notice"] == Notice.REFUSED and out["stats"] == {"host_refused"}
        assert out["frame"] is None and not (out["evicts"] or out["free_own"])
        out = link.set(LinkState.CLOSED)(Event.HOST_OPEN, full=full)
        assert (out["frame"] is None) == full == out["evicts"]

    decide(check)


@pytest.mark.parametrize(
    "state,due",
    [
        (LinkState.CLOSE_SENT, 0),
        (LinkState.CLOSE_RECD, 0),
        (LinkState.OPEN, 1),
        (LinkState.OPEN_RECD, 1),
    ],
)
def test_a_payload_for_a_link_that_closes_is_told(state, due):
    def check(link):
        before = dict(link.set(state, **LINK, close_due=due).tag)
        out = link(Event.HOST_PAYLOAD, slot=3)
        assert out["result"] == HostResult.REFUSED and out["free_own"]
        assert out["notice"] == Notice.PAYLOAD_REFUSED and out["stats"] == {"host_refused"}
        assert not changes(before, link.tag)

    decide(check)
