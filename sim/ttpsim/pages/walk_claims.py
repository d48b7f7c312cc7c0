"""What docs/start/walk-through.md says of the run, worked out from its waveform.

Each claim is a piece of the page's text with the numbers of this run in it; a page that does not
have it says something else than what happened. `pictures.py --check` compares.
"""

from ttpsim.pages.block_pictures import Moments
from ttpverif.check.trace import ACTIONS, EVENTS, OPCODES

__all__ = ["claims", "missing"]

_WORDS = (
    "no one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
).split()
_FIELDS = (
    "event",
    "action",
    "tx_id",
    "rx_id",
    "frame",
    "frame_opcode",
    "frame_tx_id",
    "frame_rx_id",
)


def _records(dump, moments, x):
    """Every record of the trace port of engine `x`, with its cycle."""
    valid = dump.sampler(f"pair.{x}_trace_valid")
    fields = {name: dump.sampler(f"pair.{x}_trace_{name}") for name in _FIELDS}
    found = []
    for edge, cycle in moments.clocks():
        if valid(edge - 1) == 1:
            record = {name: at(edge - 1) for name, at in fields.items()}
            found.append(
                record
                | {
                    "cycle": cycle,
                    "event": EVENTS[record["event"]],
                    "action": ACTIONS[record["action"]],
                }
            )
    return found


def _sends(record, opcode):
    return record["frame"] and OPCODES[record["frame_opcode"]] == opcode


def _high(dump, moments, x, path):
    """Cycles in which a bit is 1."""
    at = dump.sampler(dump.resolve(path, x))
    return [cycle for edge, cycle in moments.clocks() if at(edge - 1) == 1]


def _value_at(dump, moments, x, path, cycle):
    at = dump.sampler(dump.resolve(path, x))
    return next(at(edge - 1) for edge, now in moments.clocks() if now == cycle)


def _listed(numbers):
    return f"{', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"


def claims(dump):
    """The claims, in the order of the page."""
    moments = Moments(dump)
    a, b = (_records(dump, moments, x) for x in "ab")
    sent = [record["frame_tx_id"] for record in a if _sends(record, "PAYLOAD")]
    handed = sum(record["event"] == "HOST_PAYLOAD" for record in a)
    arrived = [record["tx_id"] for record in b if record["event"] == "RX_PAYLOAD"]
    lost = [number for number in sorted(set(sent)) if sent.count(number) > 1]
    gap = next(record for record in b if record["action"] == "KEEP_NACK")
    kept = [record["tx_id"] for record in b if record["action"] == "KEEP"]
    found = [
        f"sends {_WORDS[handed]} packets of 100 bytes to node `b` (IDs {min(sent)} to {max(sent)})",
        f"loses packets {_listed(lost)}",
        f"Packet {gap['tx_id']} comes after packet {arrived[arrived.index(gap['tx_id']) - 1]}.",
        f"Packets {_listed(kept)} are kept as well (`KEEP`)",
    ]

    last = max(
        cycle
        for cycle in _high(dump, moments, "b", "pair.{x}_s_mac_rx_tlast_core")
        if cycle < gap["cycle"]
    )
    wire = min(
        cycle for cycle in _high(dump, moments, "b", "pair.{x}_m_mac_tx_tvalid") if cycle > last
    )
    found.append(
        f"{_WORDS[wire - last].capitalize()} clocks after the frame's last beat the "
        "NACK's first beat is on the wire."
    )

    nack = next(record for record in a if record["action"] == "NACK_RANGE")
    resent = next(record for record in a if record["action"] == "RESEND")
    slot = _value_at(
        dump, moments, "a", "@pipeline.o_done__payload.event.slot", resent["cycle"] - 1
    )  # the trace is a clock behind
    found += [
        f"The oldest packet that `a` has not seen acknowledged is {nack['frame_tx_id']}.",
        f"`REPLAY` (action `RESEND`) hands slot {slot}, packet {resent['frame_tx_id']},",
    ]

    fills = [record for record in b if record["action"] == "DELIVER_LOOK"]
    delivered = [record for record in b if record["action"] == "DELIVER_KEPT"]
    looked = [record for record in b if record["action"] == "LOOKED"][-1]
    steps = {after["cycle"] - before["cycle"] for before, after in zip(delivered, delivered[1:])}
    found += [
        f"Then packet {fills[-1]['tx_id']} arrives, the picture above.",
        f"one every {'/'.join(_WORDS[step] for step in sorted(steps))} clocks",
        f"The one that asks for ID {looked['tx_id']} finds nothing",
        f"one ACK for all: RxID {looked['frame_rx_id']}.",
    ]

    acks = [record for record in a if record["event"] == "RX_ACK"]
    freed = [
        record
        for record in a
        if record["action"] in ("RETIRE_ONE", "RETIRE_RUN") and record["cycle"] > acks[-1]["cycle"]
    ]
    slots = sum(record["rx_id"] if record["action"] == "RETIRE_RUN" else 1 for record in freed)
    found += [
        f"The ACK moves the window over {_WORDS[slots + 1]} packets at once.",
        f"the other {_WORDS[slots]} follow in the background, with {_WORDS[len(freed)]} "
        f"`{freed[0]['event']}`",
    ]
    return found


def missing(dump, text):
    """The claims that a page does not have."""
    flat = " ".join(text.split())
    return [claim for claim in claims(dump) if " ".join(claim.split()) not in flat]
