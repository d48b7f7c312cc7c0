"""What travels through Q0 to Q3: the event, and the outcome that Q2 hands to Q3."""

from amaranth.lib import data, enum

from ..layouts import HostResult, Notice
from ..protocol import Opcode
from .fsm import Action, Event, LinkState

__all__ = ["pipeline_event_layout", "outcome_layout", "TxBase", "RxBase"]


def pipeline_event_layout(config):
    """An event as it travels from Q0 to Q3."""
    return data.StructLayout({
        "event": Event,
        "by_lid": 1,                    # the link is known by its number, not by node and VC
        "lid": config.lid_bits,         # if `by_lid`
        "node": 24,                     # if not `by_lid`
        "vc": 2,
        "ieee": 1,                      # these seven: of the received frame
        "epoch": 16,
        "selective": 1,
        "tx_id": 32,
        "rx_id": 32,
        "room": 1,
        "rx_slot": config.rx_slot_bits,
        "slot": config.slot_bits,       # replay slot of HOST_PAYLOAD
    })


class TxBase(enum.Enum, shape=3):
    """TxID of the frame to be sent, all relative to the new tag."""
    ZERO = 0
    OPEN_ID = 1        # una - 1
    FIRST = 2          # una
    END = 3            # una + alloc
    LAST = 4           # una + alloc - 1
    CURRENT = 5        # una + current - 1: the one just passed


class RxBase(enum.Enum, shape=2):
    """RxID of the frame to be sent."""
    ZERO = 0
    TX_ID = 1          # the received TxID
    RECEIVED = 2       # last in-order ID
    MISSING = 3        # last in-order ID + 1


def outcome_layout(config):
    """What Q2 decided, besides the new tag; carried out in Q3."""
    return data.StructLayout({
        "action": Action,
        "old_state": LinkState,
        "frame": 1,                     # a frame is sent ...
        "opcode": Opcode,
        "tx_base": TxBase,
        "rx_base": RxBase,
        "copies": 1,                    # ... for a link that is not there
        "append": 1,                    # the host's slot joins the list
        "pop": 1,                       # the oldest slot leaves the list
        "free_own": 1,                  # the host's slot is freed
        "free_all": 1,                  # the whole list is freed, `chain` slots
        "chain": config.count_bits,
        "noticed": 1,
        "notice": Notice,
        "result": HostResult,
        "evicts": 1,
        "stepped": 1,                   # an open ID and an epoch were used
        "retired": 1,                   # an ID left the window
        "sends": 1,                     # a PAYLOAD goes out ...
        "first_sent": 1,                # ... for the first time
    })
