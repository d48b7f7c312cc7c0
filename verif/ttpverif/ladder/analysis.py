"""What happened on each link: answers, replays, duplicates, losses (protocol sections 2 to 4).

Nothing in a frame says that it was lost or replayed. It is concluded from the other frames of its
link, in the order of the capture:

replay      a PAYLOAD sent before and not acknowledged since (same ID, same bytes)
duplicate   a PAYLOAD sent before that had been acknowledged, or echoed (decision K12): its receiver
            has it already
retry       an OPEN or CLOSE sent again
again       an answer given again
lost        sent again because a NACK asked for it, or as the oldest that nothing answered; or an
            answer after which its question was sent again (it may only have been late)
discarded   sent again, and its receiver had to throw it away: an older one was missing (NACK or
            NACK_FULL) and the link is go-back-N, or the receiver's own OPEN had no answer yet
sent again  a PAYLOAD sent again for another reason: nothing tells whether this one arrived
refused     answered by NACK_FULL, NACK_NOLINK or OPEN_NACK
unanswered  nothing answered it
late        a PAYLOAD that comes behind younger ones
gap         the IDs in front of this PAYLOAD are not in the capture
changed     an ID used again in the same incarnation of a link, with other bytes
stray       an answer to something that was not sent
cut         the capture kept too little of it: no conclusion is drawn from it
malformed   a receiver must drop this frame; the cause is named

A frame is compared with the `AHEAD` frames behind it and in front of it, so that memory and time
per frame do not grow with the capture.
"""

from collections import Counter, deque
from dataclasses import dataclass

from .estimate import Estimate
from .links import Link

__all__ = ["AHEAD", "MARKS", "NO_LINK", "OTHER", "Analyser", "Analysis", "Event", "analyse"]

MARKS = (
    "replay",
    "duplicate",
    "retry",
    "again",
    "lost",
    "discarded",
    "sent again",
    "refused",
    "unanswered",
    "late",
    "gap",
    "changed",
    "stray",
    "cut",
    "malformed",
)

OTHER, NO_LINK = "other", "no link"
AHEAD = 50_000
_ROUND_TRIP_AHEAD = 5_000  # frames from which the round trip is learned before judging
_MANY_LINKS = 10_000  # beyond, a link of which no frame is held is forgotten


class Event:
    """A frame and what is known about it. Frames are named by their number in the capture.

    marks : {mark: why, one line}
    src, dst : nodes, or OTHER for an end of a malformed frame that is no node of this capture
    link : name of the link, "000001-000002 vc 2", or NO_LINK
    answers, answered_by, replay_of : number of another frame, or None
    by_repeat : that it arrived is known only because an answer was given again
    """

    __slots__ = (
        "record",
        "src",
        "dst",
        "link",
        "marks",
        "answers",
        "answered_by",
        "replay_of",
        "attempt",
        "direction",
        "by_repeat",
    )

    def __init__(self, record, link):
        self.record, self.src, self.dst, self.link = record, record.src, record.dst, link
        self.marks = {}
        self.answers = self.answered_by = self.replay_of = self.direction = None
        self.attempt, self.by_repeat = 1, False


class Analyser:
    """Makes events of records, as they come.

    Attributes, complete when the records have ended
    ----------
    nodes : {node: None}, in the order they appear
    links : {name: {"frames": n, "one_sided": bool, mark: n, ...}}
        "controlled": True where congestion control is agreed, or made use of
    counts : Counter of marks
    frames : int
    start_ns : int, time of the first record
    estimate : Estimate of the PAYLOADs that were lost
    """

    def __init__(self, ahead=AHEAD):
        self._ahead = ahead
        self.nodes, self.links, self.counts = {}, {}, Counter()
        self.frames, self.start_ns = 0, 0
        self.estimate = Estimate()
        self._links = {}  # (src, dst, vc) -> Link, both ways
        self._entered, self._judged = deque(), deque()

    def events(self, records):
        """Each `Event`, in order, when nothing more will be concluded about it."""
        entered, judged = self._entered, self._judged
        first, second = min(self._ahead, _ROUND_TRIP_AHEAD), self._ahead
        enter, judge = self._enter, self._judge
        for record in records:
            entered.append(enter(record))
            if len(entered) > first:
                judge(entered.popleft())
            if len(judged) > second:
                yield self._settle(judged.popleft(), f"no answer in {second} frames")
        while entered:
            self._judge(entered.popleft())
        while judged:
            yield self._settle(judged.popleft(), "no answer to the end of the capture")

    def _enter(self, record):
        if not self.frames:
            self.start_ns = record.time_ns
        self.frames += 1
        if record.cause is not None or record.cut:
            return Event(record, None)
        key = record.src, record.dst, record.vc
        link = self._links.get(key)
        if link is None:
            link = self._new_link(key)
        event = Event(record, link)
        link.enter(event)
        return event

    def _new_link(self, key):
        src, dst, vc = key
        self.nodes[src] = self.nodes[dst] = None
        link = Link(_link_name(src, dst, vc))
        self._links[key] = self._links[dst, src, vc] = link
        self.links.setdefault(link.name, {"frames": 0, "one_sided": False})
        return link

    def _judge(self, event):
        link = event.link
        if link is not None:
            link.judge(event)
        self._judged.append(event)

    def _settle(self, event, last):
        link, record = event.link, event.record
        if link is not None:
            link.settle(event, last)
            event.link, event.direction = link.name, None
            summary = self.links[link.name]
            summary["one_sided"] = link.one_sided
            if link.controlled:
                summary["controlled"] = True
            if not link.held and len(self._links) > _MANY_LINKS:
                for ends in ((record.src, record.dst), (record.dst, record.src)):
                    self._links.pop((*ends, record.vc), None)
            self.estimate.take(event)
        else:
            summary = self._outside(event)
        summary["frames"] += 1
        if event.marks:
            for mark in event.marks:
                summary[mark] = summary.get(mark, 0) + 1
                self.counts[mark] += 1
        return event

    def _outside(self, event):
        """A frame that takes no part; the summary of the link that it may belong to."""
        record = event.record
        if record.cut:
            event.marks["cut"] = f"the capture kept {record.captured} of its {record.size} bytes"
        if record.cause is not None:
            event.marks["malformed"] = f"a receiver drops it: {record.cause}"
        name = _link_name(record.src, record.dst, record.vc)
        event.link = name if name in self.links else NO_LINK
        if record.src not in self.nodes or record.dst not in self.nodes:
            # A cut frame is well-formed: its ends are nodes, if they are there at all.
            ends = [
                node if node in self.nodes or record.cause is None and node != "?" else OTHER
                for node in (record.src, record.dst)
            ]
            event.src, event.dst = ends
            self.nodes.update(dict.fromkeys(ends))
        return self.links.setdefault(event.link, {"frames": 0, "one_sided": False})


@dataclass
class Analysis:
    """Events in the order of the capture; nodes in the order they appear; links with their counts."""

    events: list
    nodes: list
    links: dict
    start_ns: int
    estimate: Estimate

    def counts(self):
        """{mark: number of frames that have it}, in the order of MARKS."""
        found = {mark: sum(mark in event.marks for event in self.events) for mark in MARKS}
        return {mark: count for mark, count in found.items() if count}


def analyse(records):
    """The `Analysis` of the records of one capture that fits into memory."""
    analyser = Analyser()
    events = list(analyser.events(records))
    nodes = [node for node in analyser.nodes if node != OTHER]
    return Analysis(
        events,
        nodes + [OTHER] * (OTHER in analyser.nodes),
        analyser.links,
        analyser.start_ns,
        analyser.estimate,
    )


def _link_name(src, dst, vc):
    first, second = (src, dst) if src <= dst else (dst, src)
    return f"{first}-{second} vc {vc}"
