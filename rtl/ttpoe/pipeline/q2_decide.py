"""Q2: one event and the tag of its link in, the new tag and everything that follows out.

Three clocks, three files: the guards (`q2_guards`), the state table and what its action means
(`q2_rules`), the new tag (`q2_new_tag`). Sections 2 to 6 and 10.1 of the protocol.
"""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..link.table import tag_layout
from ..reorder.directory import kept_layout
from .q2_guards import FAR, PARTS, Guards, facts_layout
from .q2_new_tag import NewTag
from .q2_rules import Rules
from .records import guards_layout, outcome_layout, pipeline_event_layout

__all__ = ["Decide"]


class Decide(wiring.Component):
    """The decision of Q2.

    Parameters
    ----------
    config : Config
    registered : bool
        Whether there are registers between the three parts. Without them the decision is a function
        of its inputs, which is what tests and proofs of a single event look at.

    Members
    -------
    i_event : In(pipeline event)
    i_tag : In(tag)
        The link's tag, every older event taken into account; all zero but `queued` and `touch`
        if the link is not in the table (then it is the free way that the link would take).
    i_full : In(1)
        The link is not in the table and there is no free way.
    i_self : In(1)
        The event's node is our own.
    i_lid : In(lid_bits)
        The link's number.
    i_kept : In(directory entry)
        What the directory of kept packets holds for the event's TxID (`reorder.directory`).
    i_walking : In(1)
        The replayer walks along this link's list of slots.
    i_stands, i_stands_near : In(1)
        ... and has not passed the first one yet, or not as many as a run may have.
    i_run : In(1)
        The ASK before found its ID missing, in the same round of questions.
    i_retiring : In(1)
        The retirer does, along slots that are still there: only its RETIRE may free them.
    i_free, i_slow, i_coin, i_crowded : In(1)
        What the law of congestion says: the link may send at once, round trips are long, a random bit,
        many links are backlogged.
    i_reorder_free : In(1)
        A reorder slot is free. One clock behind the event.
    i_asking : In(1)
        A round of questions for some link's gaps is under way already. Two clocks behind the event,
        as the next two.
    i_first_id : In(32), i_epoch : In(16)
        First data ID and epoch of the next incarnation of ours.
    cfg_init_id, cfg_max_retry, cfg_idle_limit, cfg_link_slots, cfg_selective, cfg_congestion : In
        See `engine.Engine`.
    o_tag : Out(tag)
        The new tag; `head`, `next` and `queued` are finished by Q3.
    o_outcome : Out(outcome)

    Timing: one event per clock; the outputs are combinational from registers, two clocks behind
    the event (`registered`), or from the inputs.
    """

    def __init__(self, config, registered=False):
        self._config, self._registered = config, registered
        tag = tag_layout(config)
        super().__init__(
            {
                "i_event": In(pipeline_event_layout(config)),
                "i_tag": In(tag),
                "i_full": In(1),
                "i_self": In(1),
                "i_lid": In(config.lid_bits),
                "i_kept": In(kept_layout(config)),
                "i_walking": In(1),
                "i_retiring": In(1),
                "i_run": In(1),
                "i_stands": In(1),
                "i_stands_near": In(1),
                "i_free": In(1),
                "i_slow": In(1),
                "i_coin": In(1),
                "i_crowded": In(1),
                "i_reorder_free": In(1),
                "i_asking": In(1),
                "i_first_id": In(32),
                "i_epoch": In(16),
                "cfg_init_id": In(32),
                "cfg_max_retry": In(10),
                "cfg_idle_limit": In(10),
                "cfg_link_slots": In(config.count_bits),
                "cfg_selective": In(1),
                "cfg_congestion": In(1),
                "o_tag": Out(tag),
                "o_outcome": Out(outcome_layout(config)),
            }
        )
        # As the second and the third clock see them; the pipeline looks at them, too.
        self.event_b, self.event_c = (
            Signal(pipeline_event_layout(config), name=f"event_{clock}") for clock in "bc"
        )
        self.tag_b, self.tag_c = (Signal(tag, name=f"tag_{clock}") for clock in "bc")

    def elaborate(self, platform):
        m = Module()
        config = self._config
        m.submodules.guards = self.guards = guards = Guards(config, self._registered)
        m.submodules.rules = self.rules = rules = Rules(config, self._registered)
        m.submodules.new_tag = self.new_tag = new_tag = NewTag(config)
        # First: of two signals of one name the later gets another one in Verilog and in waveforms.
        m.d.comb += [self.o_tag.eq(new_tag.o_tag), self.o_outcome.eq(new_tag.o_outcome)]

        def across(value, name):
            """`value` on the other side of the border to the next clock."""
            there = Signal(value.shape(), name=name)
            self._cross(m, there, value)
            return there

        for name in ("i_event", "i_tag", "i_full", "i_self", "i_lid", "i_kept", "i_walking",
                     "i_stands", "i_stands_near", "i_retiring", "i_run", "i_free", "i_slow",
                     "i_coin", "i_crowded", "cfg_max_retry", "cfg_idle_limit", "cfg_link_slots"):  # fmt: skip
            m.d.comb += getattr(guards, name).eq(getattr(self, name))
        parts, facts, kinds = guards.o_parts, guards.o_facts, guards.o_kinds
        self._cross(m, self.event_b, self.i_event)
        self._cross(m, self.tag_b, self.i_tag)

        self.guard = {
            name: Signal(name=f"guard_{name.lower()}") for name in guards_layout().members
        }
        for name, guard in self.guard.items():
            m.d.comb += guard.eq(parts[name] & parts[f"{name}_2"] if name in PARTS else parts[name])
        facts_b = Signal(facts_layout(config))
        m.d.comb += facts_b.eq(facts)
        with m.If(facts.far | facts.far_2):
            m.d.comb += [*(facts_b[name].eq(1) for name in FAR), facts_b.ends_at_una.eq(0)]
        with m.If(~self.i_reorder_free):
            m.d.comb += self.guard["KEEP_OK"].eq(0)
        m.d.comb += [
            rules.i_kinds.eq(kinds),
            *(rules.i_guards[name].eq(guard) for name, guard in self.guard.items()),
            rules.i_state.eq(self.tag_b.state),
        ]

        self._cross(m, self.event_c, self.event_b)
        self._cross(m, self.tag_c, self.tag_b)
        m.d.comb += [
            new_tag.i_event.eq(self.event_c),
            new_tag.i_tag.eq(self.tag_c),
            new_tag.i_guards.eq(across(rules.i_guards, "guards_c")),
            new_tag.i_facts.eq(across(facts_b, "facts_c")),
            new_tag.i_control.eq(across(rules.o_control, "control_c")),
            new_tag.i_outcome.eq(rules.o_outcome),
        ]
        self._cross(m, new_tag.i_before, self.event_b.tx_id - 1)
        self._cross(m, new_tag.i_after, self.event_b.rx_id + 1)
        for name in (
            "i_asking",
            "i_first_id",
            "i_epoch",
            "cfg_init_id",
            "cfg_selective",
            "cfg_congestion",
        ):
            m.d.comb += getattr(new_tag, name).eq(getattr(self, name))
        # What the law said goes along, for the trace.
        for name in ("free", "slow", "coin", "crowded"):
            m.d.comb += self.o_outcome[name].eq(
                across(across(getattr(self, f"i_{name}"), f"{name}_b"), f"{name}_c")
            )
        return m

    def _cross(self, m, there, here):
        if self._registered:
            m.d.sync += there.eq(here)
        else:
            m.d.comb += there.eq(here)
