"""Proofs of decisions K1 to K3 and K13 in the pipeline: who is controlled, byte 48, time-outs.

Q2 and Q3, one event: any event, any tag in a legal state.
"""

from amaranth.hdl import Mux

from ttpoe.link.fsm import LinkState
from ttpoe.protocol import DATA as DATA_VC
from ttpoe.protocol import Opcode

from ..proof import Defect
from .link import SIZE
from .zero import _Zero

SHARE = 3 * SIZE.slots // 4  # slots of a controlled link (K11)
_COMMIT = "pipeline/q3_commit.py"


class _Controlled(_Zero):
    def known(self, tag):
        """As in `zero`; and only links of VC 2 are controlled."""
        other = (tag.state != LinkState.CLOSED) & (tag.vc != DATA_VC)
        return super().known(tag) & ~(tag.controlled & other)

    def properties(self, h):
        event, old = self.event, self.old
        # Q1 finds the link of that node and VC.
        h.assume_if(~event.by_lid & (old.state != LinkState.CLOSED), event.vc == old.vc)
        self.rules(h, h.m.submodules.commit)


class Byte48(_Controlled):
    shows = (
        "only a link of VC 2 whose peer's epoch is not 0 is controlled; its ACK, NACK and"
        " OPEN_ACK announce the backlog, and no other control frame does; bit 0x40 goes out in"
        " its OPEN and OPEN_ACK alone; `more` is 0 in the PAYLOADs of every other link, 1 in one"
        " that is sent again, else says whether something is behind it or the link has its share"
    )
    defects = (
        Defect(
            "every link says that there is more",
            _COMMIT,
            "payload.more.eq(tag.controlled & (",
            "payload.more.eq((",
        ),
        Defect(
            "a packet that is sent again says what the first one said",
            _COMMIT,
            "~(outcome.sends & outcome.first_sent)",
            "~outcome.sends",
        ),
        Defect(
            "links of every VC are controlled",
            "pipeline/q2_new_tag.py",
            "offers = self.cfg_congestion & (event.vc == DATA)",
            "offers = self.cfg_congestion",
        ),
        Defect(
            "a peer with epoch 0 is controlled",
            "pipeline/q2_new_tag.py",
            "obeys = event.controlled & ~fact.epoch_zero",
            "obeys = event.controlled",
        ),
        Defect(
            "every link announces",
            _COMMIT,
            "tag.controlled & ~outcome.copies & outcome",
            "~outcome.copies & outcome",
        ),
    )

    def rules(self, h, commit):
        old, new, out, frame = self.old, self.new, self.out, self.frame
        opens = self.says(Opcode.OPEN) | self.says(Opcode.OPEN_ACK)
        answers = self.says(Opcode.ACK) | self.says(Opcode.NACK) | self.says(Opcode.OPEN_ACK)
        h.check_if(frame.valid, frame.p.announces == (answers & new.controlled))
        h.check_if(frame.valid, frame.p.controlled == (opens & new.controlled))
        payload = commit.o_payload
        first = out.sends & (old.current == old.sent)
        behind = new.current != new.alloc
        h.check_if(
            payload.valid,
            payload.p.more == (new.controlled & Mux(first, behind | (new.alloc >= SHARE), 1)),
        )
        h.reach(payload.valid & new.controlled & ~payload.p.more)
        h.reach(payload.valid & payload.p.more & first & (new.alloc < SHARE))
        h.reach(frame.valid & frame.p.announces & frame.p.controlled)
        h.reach(self.says(Opcode.NACK) & frame.p.announces)


class Patience(_Controlled):
    shows = (
        "the timer on a controlled link with data: if something is unacknowledged and the sending"
        " position is the oldest, it counts no time-out, moves nothing and ends nothing; the first"
        " two in a row while the engine is slow, and from the fourth on those with the coin, count"
        " and send nothing again, unless the link is held"
    )
    defects = (
        Defect(
            "a link that is held back counts",
            "pipeline/q2_guards.py",
            '"PACED": tag.controlled & (tag.current == 0) & (tag.sent != 0)',
            '"PACED": tag.controlled & (tag.current == 0) & (tag.sent == 0)',
        ),
        Defect(
            "OPEN is not patient",
            "link/state_table.py",
            '("UNACKED PATIENT GAP", _A.COUNT_NACK, OP), ("UNACKED PATIENT", _A.COUNT, OP),',
            "",
        ),
        Defect(
            "a closing link that is held back counts",
            "link/state_table.py",
            '("PACED GAP", _A.MARK_NACK, state), ("PACED", _A.MARK, state),',
            "",
        ),
        Defect(
            "patience has no end",
            "pipeline/q2_guards.py",
            "self.i_slow & (tag.retries < _SLOW)",
            "self.i_slow",
        ),
        Defect(
            "a held link stays held",
            "pipeline/q2_guards.py",
            '"PATIENT": tag.controlled & ~tag.held',
            '"PATIENT": tag.controlled',
        ),
    )

    def rules(self, h, commit):
        old, new, dut = self.old, self.new, self.dut
        visit = self.flows & self.is_("TIMER") & old.controlled & (old.sent != 0)
        paced = visit & (old.current == 0)
        still = (new.state == old.state) & (new.current == old.current) & (new.sent == old.sent)
        h.check_if(paced, still & (new.retries == old.retries) & ~commit.o_payload.valid)
        h.check_if(paced, ~self.frame.valid | self.says(Opcode.NACK))
        timed = visit & ~paced & old.timer & (old.retries < dut.cfg_max_retry)
        spared = ~old.held & ((dut.i_slow & (old.retries < 2)) | (dut.i_coin & (old.retries >= 3)))
        h.check_if(
            timed,
            (new.retries == old.retries + 1)
            & (new.state == old.state)
            & (new.current == Mux(spared, old.current, 0)),
        )
        h.reach(paced & old.timer & old.gap)
        h.reach(timed & spared & (old.retries == 7))
        h.reach(timed & ~spared & (old.retries == 2))
