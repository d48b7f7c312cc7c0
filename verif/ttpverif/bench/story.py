"""The trace as a story: `ttpoe sim --trace` writes one line per event that left a pipeline.

    cycle at event        of the frame  peer/vc  link state             action what follows
      192 a  RX_OPEN_ACK  tx=.. rx=..   000002/2 #5   OPEN_SENT -> OPEN OPENED tells LINK_UP

See docs/reference/trace.md for the columns.
"""

from ..check.trace import ACTIONS, BY_NUMBER, EVENTS, NOTICES, OPCODES, RESULTS, STATES
from ..frames.code import CODED, LEAST

__all__ = ["Story", "story_line", "HEADING"]

_COLUMNS = "{:>9} {:<2} {:<14} {:<39} {:<8} {:<5} {:<24} {:<16} {}"
HEADING = _COLUMNS.format(
    "cycle", "at", "event", "of the frame", "peer/vc", "link", "state", "action", "what follows"
)


def _ids(tx_id, rx_id, epoch):
    return f"tx={tx_id:08x} rx={rx_id:08x} epoch={epoch:04x}"


def _byte_48(event, byte):
    """What a received frame says of congestion: `more`, or its code in hexadecimal."""
    if event == "RX_PAYLOAD":
        return " more" if byte & 1 else ""
    coded = event.removeprefix("RX_") in [opcode.name for opcode in CODED]
    return f" c={byte:02x}" if coded and byte >= LEAST else ""


def story_line(name, record):
    """One line for one record of the trace port of the engine called `name`."""
    event, old, new = (
        EVENTS[record["event"]],
        STATES[record["old_state"]],
        STATES[record["new_state"]],
    )
    of_frame = ""
    if event.startswith("RX_"):
        of_frame = _ids(record["tx_id"], record["rx_id"], record["epoch"])
        if event == "RX_PAYLOAD" and not record["room"]:
            of_frame += " full"
        else:
            of_frame += _byte_48(event, record.get("congestion", 0))
    nobody = event in BY_NUMBER and old == "CLOSED"
    peer = "-" if nobody else f"{record['node']:06x}/{record['vc']}"
    follows = []
    if event in ("HOST_PAYLOAD", "HOST_OPEN") and RESULTS[record["result"]] != "TAKEN":
        follows.append(RESULTS[record["result"]].lower())
    if record["delivered"]:
        follows.append("to the host")
    if record["frame"]:
        sent = _ids(*(record[f"frame_{field}"] for field in ("tx_id", "rx_id", "epoch")))
        more = " more" if record.get("frame_more") else ""
        form = " in IPv4" if record.get("frame_ipv4") else ""
        follows.append(f"sends {OPCODES[record['frame_opcode']]} {sent}{more}{form}")
    if record["noticed"]:
        follows.append(f"tells {NOTICES[record['notice']]}")
    return _COLUMNS.format(
        record["cycle"],
        name,
        event,
        of_frame,
        peer,
        f"#{record['lid']}",
        old if old == new else f"{old} -> {new}",
        ACTIONS[record["action"]],
        "; ".join(follows),
    ).rstrip()


def _idle(record):
    """The timer's visits of free tags fill pages and say nothing."""
    return (EVENTS[record["event"]], STATES[record["old_state"]]) == ("TIMER", "CLOSED")


class Story:
    """Writes the story of a bench into the file `path` while it runs."""

    def __init__(self, bench, path):
        self._file = path.open("w")
        self._file.write(HEADING + "\n")
        for node in bench.nodes:
            node.trace_on = True
            node.listeners.append(self._listener(node))

    def _listener(self, node):
        def listen(kind, record):
            if kind == "trace" and not _idle(record):
                self._file.write(story_line(node.name, record) + "\n")

        return listen

    def close(self):
        self._file.close()
