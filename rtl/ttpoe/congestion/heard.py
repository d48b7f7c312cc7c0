"""What an event in Q3 means for the law of congestion (decisions K4, K7, K8, K10)."""

from amaranth import Mux
from amaranth.lib import data

from ..link.effects import EFFECTS
from ..link.fsm import Action, Event, LinkState
from ..protocol import Opcode

__all__ = ["heard_layout", "meaning"]

_AGAIN = 2  # time-outs in a row, or idle rounds, after which the shortest round trip is unknown

_ARRIVES = [action for action, effects in EFFECTS.items() if effects.arrives]
_HEARS = [action for action, effects in EFFECTS.items() if effects.hears]
_NEW_GAP = (Action.NACK_GAP, Action.NACK_ALL, Action.KEEP_NACK)
_TIMES_OUT = (Action.REPLAY, Action.REPLAY_NACK)
_CANCELS = (Action.HOLD, Action.RETIRE_REPLAY, Action.CLOSE_NOT_YET, *_TIMES_OUT)


def heard_layout(config):
    """What an event means for the law."""
    return data.StructLayout(
        {
            "index": config.data_bits,
            "lid": config.lid_bits,
            "controlled": 1,
            "begins": 1,  # the link ended, was opened, or our side became a new incarnation ...
            "answered": 1,  # ... that answers an OPEN, and is controlled
            "arrives": 1,
            "backlogged": 1,  # ... and there is more where it came from
            "new_gap": 1,
            "hears": 1,
            "code": 8,
            "key": config.count_bits,  # an ID that the peer has, for certain ...
            "keyed": 1,  # ... if this is set
            "past": config.count_bits,  # everything up to here is acknowledged
            "passes": 1,
            "sends": 1,  # a PAYLOAD goes out ...
            "first": 1,  # ... for the first time
            "times_out": 1,
            "second": 1,  # ... not for the first time in a row
            "slow": 1,  # ... while round trips are long
            "idle": 1,
            "visited": 1,  # by the timer
            "cancels": 1,
            "current": config.count_bits,  # position of what is to be sent next
            "waits": 1,  # there is something
        }
    )


def meaning(config, done, heard):
    """Statements that put what of the event `done` (`committed_layout`) the law needs in `heard`."""
    event, outcome, tag = done.event, done.outcome, done.tag
    bits = config.count_bits

    def took(*actions):
        return outcome.action.as_value().matches(*actions)

    ended = tag.state == LinkState.CLOSED
    payload = outcome.frame & (outcome.opcode == Opcode.PAYLOAD)
    first = outcome.sends & outcome.first_sent
    timer = event.event == Event.TIMER
    return [
        heard.index.eq(done.lid),
        heard.lid.eq(done.lid),
        # While our OPEN is under way the tag says only that it offers control.
        heard.controlled.eq(tag.controlled & ~ended & (tag.state != LinkState.OPEN_SENT)),
        heard.begins.eq(ended | outcome.stepped | took(Action.OPENED)),
        heard.answered.eq(
            outcome.stepped & (event.event == Event.RX_OPEN) & tag.controlled & ~ended
        ),
        heard.arrives.eq(took(*_ARRIVES)),
        heard.backlogged.eq(event.congestion[0] | tag.gap | ~tag.controlled),
        heard.new_gap.eq(took(*_NEW_GAP)),
        heard.hears.eq(took(*_HEARS) & tag.controlled & event.congestion[4:].any()),
        heard.code.eq(event.congestion),
        heard.key.eq(Mux(took(Action.RETIRE), event.rx_id[:bits], event.tx_id[:bits])),
        heard.keyed.eq(
            took(Action.RETIRE, Action.NOTED) | (took(Action.NACK_RANGE) & ~outcome.clip_end)
        ),
        heard.past.eq(event.rx_id),
        heard.passes.eq(took(Action.RETIRE)),
        heard.sends.eq(payload),
        heard.first.eq(payload & first),
        heard.times_out.eq(took(*_TIMES_OUT)),
        heard.second.eq(tag.retries >= _AGAIN),
        heard.slow.eq(outcome.slow),
        heard.idle.eq(
            timer & (tag.state == LinkState.OPEN) & (tag.alloc == 0) & (tag.retries >= _AGAIN)
        ),
        heard.visited.eq(timer),
        heard.cancels.eq(took(*_CANCELS)),
        heard.current.eq(tag.current),
        heard.waits.eq(tag.current != tag.alloc),
    ]
