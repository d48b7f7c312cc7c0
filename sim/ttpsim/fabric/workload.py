"""A workload: messages that a file lists, for `ttpoe fabric --workload FILE`.

A CSV file with the columns id, source, destination, bytes, start, after. A message may be sent from
clock `start` on, when all those that `after` names, separated by spaces, have arrived. They must go
to its source: a host knows of nothing else. Messages of one source to one destination go in the
order of the file. A message longer than a packet is several packets.
"""

import csv
import dataclasses

from ttpsim.build.processes import SetupError

__all__ = ["COLUMNS", "Message", "named", "native", "peers", "read"]

COLUMNS = ("id", "source", "destination", "bytes", "start", "after")
MOST_BYTES, MOST_CLOCK = 2**40, 2**62
MOST_PACKETS = 2**31  # of all messages together
LONGEST = 1024


@dataclasses.dataclass(frozen=True)
class Message:
    """A row of the file, whose line is `line`; `after`: places of others in the list."""

    id: str
    source: int
    destination: int
    bytes: int
    start: int
    after: tuple[int, ...]
    line: int


def _number(row, name, low, high, what):
    text = row[name].strip()
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise SetupError(
            f"{what}: {name} must be a whole number from {low} to {high}; got {text!r}"
        )
    return int(text)


def _rows(path):
    """`[(line, row)]` of the file."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, strict=True)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise SetupError(f"{path}: its first line must be {','.join(COLUMNS)}")
            rows = [(reader.line_num, row) for row in reader]
    except OSError as error:
        raise SetupError(f"{path}: {error.strerror}") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise SetupError(f"{path}: it is no CSV: {error}") from None
    for line, row in rows:
        if None in row or None in row.values():
            raise SetupError(f"{path}, line {line}: it must have {len(COLUMNS)} fields")
    if not rows:
        raise SetupError(f"{path}: there is no message in it")
    return rows


def _message(row, what, line, place, nodes):
    """A row, checked by itself; `place`: {id: place} of all."""
    ends = {}
    for name in ("source", "destination"):
        ends[name] = _number(row, name, 0, 2**31, what)
        if ends[name] >= nodes:
            raise SetupError(f"{what}: {name} {ends[name]} does not exist, --nodes is {nodes}")
    if ends["source"] == ends["destination"]:
        raise SetupError(f"{what}: source and destination are both node {ends['source']}")
    after = row["after"].split()
    for other in after:
        if other not in place:
            raise SetupError(f"{what}: it is after {other!r}, which does not exist")
    return Message(
        id=row["id"],
        **ends,
        bytes=_number(row, "bytes", 1, MOST_BYTES, what),
        start=_number(row, "start", 0, MOST_CLOCK, what) if row["start"].strip() else 0,
        after=tuple(dict.fromkeys(place[other] for other in after)),
        line=line,
    )


def _before(messages):
    """For each message the places of those that must come before it: by its `after`, and by the
    order of its flow."""
    found, last = [], {}
    for at, message in enumerate(messages):
        flow = message.source, message.destination
        found.append({*message.after, *([last[flow]] if flow in last else [])})
        last[flow] = at
    return found


def _cycle(messages):
    """The places of messages that wait for each other, in a ring; None if there are none."""
    before = _before(messages)
    behind = [[] for _ in messages]
    left = [len(some) for some in before]
    for at, some in enumerate(before):
        for other in some:
            behind[other].append(at)
    free = [at for at, count in enumerate(left) if not count]
    for at in free:  # grows
        for other in behind[at]:
            left[other] -= 1
            if not left[other]:
                free.append(other)
    if len(free) == len(messages):
        return None
    at, seen = next(at for at, count in enumerate(left) if count), []
    while at not in seen:
        seen.append(at)
        at = next(other for other in before[at] if left[other])
    return seen[seen.index(at) :]


def read(path, nodes, packet=LONGEST):
    """`[Message]` of the file, in its order; `SetupError` for what cannot be played by so many
    nodes: a node that does not exist, a size that cannot be, a cycle. `packet`: bytes of the
    longest one, 0 for as long as may be."""
    rows, place = _rows(path), {}
    for line, row in rows:
        what = f"{path}, line {line}"
        if not row["id"] or " " in row["id"]:
            raise SetupError(f"{what}: id must be a word without spaces; got {row['id']!r}")
        if row["id"] in place:
            raise SetupError(f"{what}: id {row['id']!r} is there twice")
        place[row["id"]] = len(place)
    found = [_message(row, f"{path}, line {line}", line, place, nodes) for line, row in rows]
    for message in found:
        for other in (found[at] for at in message.after):
            if other.destination != message.source:
                raise SetupError(
                    f"{path}, line {message.line}: it is after {other.id!r}, which does not go to "
                    f"its source, node {message.source}"
                )
    cycle = _cycle(found)
    if cycle:
        names = [found[at].id for at in cycle[:6]] + ["..."] * (len(cycle) > 6)
        raise SetupError(
            f"{path}: a cycle: each of {', '.join(names)} waits for another, by `after` or the "
            "order of its flow"
        )
    if sum(-(-message.bytes // (packet or LONGEST)) for message in found) > MOST_PACKETS:
        raise SetupError(f"{path}: more than {MOST_PACKETS} packets")
    return found


def peers(messages, nodes):
    """For each node those with which it exchanges messages."""
    found = [set() for _ in range(nodes)]
    for message in messages:
        found[message.source].add(message.destination)
        found[message.destination].add(message.source)
    return found


def native(messages):
    """The text of the file that the native program reads (workload.h)."""
    lines = [str(len(messages))]
    for m in messages:
        words = (m.source, m.destination, m.bytes, m.start, len(m.after), *m.after)
        lines.append(" ".join(map(str, words)))
    return "\n".join(lines) + "\n"


def named(messages, rows):
    """The program's rows of messages, with what the file says of each."""
    return [
        {"id": m.id, "source": m.source, "destination": m.destination, "bytes": m.bytes} | row
        for m, row in zip(messages, rows, strict=True)
    ]
