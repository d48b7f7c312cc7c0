"""What happened on each link: answers, replays, duplicates, losses (protocol sections 2 to 4).

Nothing in a frame says that it was lost or replayed. It is concluded from the other frames of its
link, in the order of the capture:

replay      a PAYLOAD sent before and not acknowledged since (same ID, same bytes)
duplicate   a PAYLOAD sent before that had been acknowledged: its receiver has it already
retry       an OPEN or CLOSE sent again
again       an answer given again
lost        sent again although nothing answered it, or because a NACK asked for it (its receiver did
            not get it, or did not keep it); or an answer after which its question was sent again
            (it may only have been late)
discarded   sent again, and its receiver had to throw it away: an older one was missing (NACK or
            NACK_FULL) and the link is go-back-N, or the receiver's own OPEN had no answer yet
refused     answered by NACK_FULL, NACK_NOLINK or OPEN_NACK
unanswered  nothing answered it to the end of the capture
late        a PAYLOAD that comes behind younger ones
gap         the IDs in front of this PAYLOAD are not in the capture
changed     an ID used again in the same incarnation of a link, with other bytes
stray       an answer to something that was not sent
malformed   a receiver must drop this frame; the cause is named
"""

from dataclasses import dataclass, field

from .links import Link

__all__ = ["MARKS", "NO_LINK", "OTHER", "Analysis", "Event", "analyse"]

MARKS = ("replay", "duplicate", "retry", "again", "lost", "discarded", "refused", "unanswered",
         "late", "gap", "changed", "stray", "malformed")

OTHER, NO_LINK = "other", "no link"


@dataclass
class Event:
    """A frame and what is known about it. Frames are named by their number in the capture.

    marks : {mark: why, one line}
    src, dst : nodes, or OTHER for an end of a malformed frame that is no node of this capture
    link : name of the link, "000001-000002 vc 2", or NO_LINK
    answers, answered_by, replay_of : number of another frame, or None
    """

    record: object
    src: str
    dst: str
    link: str
    marks: dict = field(default_factory=dict)
    answers: int | None = None
    answered_by: int | None = None
    replay_of: int | None = None
    attempt: int = 1


@dataclass
class Analysis:
    """Events in the order of the capture; nodes in the order they appear; links with their counts.

    `links`: {name: {"frames": n, "one_sided": bool, mark: n, ...}}.
    """

    events: list
    nodes: list
    links: dict
    start_ns: int

    def counts(self):
        """{mark: number of frames that have it}, in the order of MARKS."""
        found = {mark: sum(mark in event.marks for event in self.events) for mark in MARKS}
        return {mark: count for mark, count in found.items() if count}


def analyse(records):
    """The `Analysis` of the records of one capture."""
    links, events = {}, []
    good = [record for record in records if record.cause is None]
    nodes = dict.fromkeys(node for record in good for node in (record.src, record.dst))
    names = {_link_name(record) for record in good}
    for record in records:
        name = _link_name(record)
        ends = (node if node in nodes else OTHER for node in (record.src, record.dst))
        event = Event(record, *ends, name if name in names else NO_LINK)
        events.append(event)
        if record.cause is not None:
            event.marks["malformed"] = f"a receiver drops it: {record.cause}"
        else:
            links.setdefault(name, Link()).take(event)
    for link in links.values():
        link.finish()
    if any(OTHER in (event.src, event.dst) for event in events):
        nodes[OTHER] = None
    return Analysis(events, list(nodes), _summary(events, links),
                    records[0].time_ns if records else 0)


def _link_name(record):
    first, second = sorted((record.src, record.dst))
    return f"{first}-{second} vc {record.vc}"


def _summary(events, links):
    summary = {name: {"frames": 0, "one_sided": link.one_sided} for name, link in links.items()}
    for event in events:
        counts = summary.setdefault(event.link, {"frames": 0, "one_sided": False})
        counts["frames"] += 1
        for mark in event.marks:
            counts[mark] = counts.get(mark, 0) + 1
    return summary
