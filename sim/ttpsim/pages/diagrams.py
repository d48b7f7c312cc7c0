"""The diagrams of docs/ that no run is needed for: blocks, pipeline, receive path, slot lists.

`ttpoe pages tables` writes them into docs/pictures.
"""

from functools import partial

from ttpoe.board.boards import BOARDS

from .boards import oscillator_of
from .drawing import Drawing

__all__ = ["diagrams"]


def blocks():
    """The whole engine; the README's first picture."""
    d = Drawing(900, 430, "The engine: host streams above, MAC below, the pipeline in between")
    d.frame(20, 60, 860, 310, "TTP engine")
    d.box(
        60,
        100,
        170,
        62,
        "receive memory",
        "1 KB slots",
        "keeps what is behind a gap",
        kind="memory",
    )
    d.box(
        320,
        100,
        170,
        62,
        "replay memory",
        "1 KB slots in linked lists",
        "= the window",
        kind="memory",
    )
    d.frame(560, 84, 290, 158)
    d.text(705, 101, "one event per clock, each of several clocks")
    for number, (name, what) in enumerate(
        (
            ("Q0", "arbitrate"),
            ("Q1", "read the link's tag"),
            ("Q2", "decide: state table"),
            ("Q3", "commit"),
        )
    ):
        y = 110 + 32 * number
        d.box(575, y, 260, 24, "", kind="stage")
        d.text(590, y + 17, name, "title", "")
        d.text(630, y + 17, what, "", "")
        if number:
            d.arrow((705, y - 8), (705, y))
    d.box(60, 285, 270, 50, "frame parser", "checks every field, counts every drop")
    d.box(420, 285, 270, 50, "frame builder", "control frames, PAYLOADs")
    d.box(740, 285, 110, 50, "link timer", "one for all links")
    # bytes
    d.arrow((145, 285), (145, 162))
    d.text(152, 230, "bytes", anchor="")
    d.arrow((145, 100), (145, 32))
    d.arrow((405, 32), (405, 100))
    d.arrow((370, 162), (370, 215), (455, 215), (455, 285))
    d.text(400, 209, "bytes", anchor="")
    d.arrow((195, 400), (195, 335))
    d.arrow((555, 335), (555, 400))
    # events and outcomes
    d.arrow((300, 285), (300, 256), (540, 256), (540, 128), (575, 128))
    d.text(310, 250, "header events", anchor="")
    d.arrow((490, 116), (575, 116))
    d.text(525, 110, "events")
    d.arrow((600, 238), (600, 285))
    d.text(607, 262, "answers", anchor="")
    d.arrow((575, 222), (515, 222), (515, 148), (490, 148))
    d.arrow((850, 310), (865, 310), (865, 122), (835, 122))
    d.arrow((705, 32), (705, 84))
    for x, text in (
        (145, "to the host: a stream per VC"),
        (405, "from the host: a stream per VC"),
        (705, "commands, notices"),
    ):
        d.text(x, 24, text, "")
    d.text(195, 420, "from the MAC", "")
    d.text(555, 420, "to the MAC", "")
    return d


def pipeline():
    """Q0 to Q3 clock by clock, with what each reads and writes, the interlock and the forwarding."""
    d = Drawing(1060, 330, "The pipeline: four stages of several clocks, with the interlock")
    stages = (
        (170, 3, "Q0 arbitrate", ("choose", "join", "door")),
        (410, 3, "Q1 read", ("read", "match", "choose")),
        (650, 3, "Q2 decide", ("guards", "rules", "new tag")),
        (890, 2, "Q3 commit", ("finish", "hand out")),
    )
    for x, clocks, name, parts in stages:
        d.frame(x, 120, 72 * clocks, 76, name)
        for number, part in enumerate(parts):
            d.box(x + 6 + 70 * number, 146, 64, 40, kind="stage")
            d.text(x + 38 + 70 * number, 170, part)
    for x in (386, 626, 866):
        d.arrow((x, 166), (x + 24, 166))
    for number, name in enumerate(
        ("received frame", "link timer", "replays, look-ups", "host packet", "host command")
    ):
        y = 100 + 32 * number
        d.text(118, y + 4, name, anchor="end")
        d.arrow((122, y), (150, y), (150, 166), (170, 166))
    d.box(410, 20, 330, 40, "link table", "tags: sets of two ways", kind="memory")
    d.arrow((470, 60), (470, 146))
    d.arrow((955, 146), (955, 40), (740, 40))
    d.arrow((928, 186), (928, 226), (448, 226), (448, 186))
    d.text(690, 242, "forwarding: what the event 6 clocks ahead leaves")
    d.box(270, 236, 112, 42, "waiting room", "one event", kind="plain")
    d.arrow((348, 186), (348, 236), both=True)
    d.text(326, 296, "too close behind one of its set:")
    d.text(326, 312, "6 clocks, or 9 or more")
    d.arrow((998, 186), (998, 276))
    d.text(1040, 294, "control frame, PAYLOAD, verdict, slots, notice", anchor="end")
    d.text(690, 276, "each box is one clock; an event of another set enters in every clock")
    return d


def receive():
    """The way of a received PAYLOAD."""
    d = Drawing(900, 330, "The receive path: deliver, keep, drop")
    d.box(30, 130, 130, 60, "frame parser", "FCS, lengths,", "addresses")
    d.box(230, 30, 160, 50, "receive memory", "bytes, while they arrive", kind="memory")
    d.box(230, 140, 160, 40, "event queue", "at the end of the frame")
    d.box(450, 130, 130, 60, "Q0 to Q3", "compare the ID", "with r and s", kind="stage")
    d.arrow((5, 160), (30, 160))
    d.arrow((95, 130), (95, 55), (230, 55))
    d.text(160, 48, "bytes")
    d.arrow((160, 160), (230, 160))
    d.arrow((390, 160), (450, 160))
    d.arrow((580, 160), (600, 160), (600, 167), (720, 167))
    outcomes = (
        (30, "r + 1, room", "deliver, ACK"),
        (95, "r or older", "drop, ACK again"),
        (160, "behind a gap", "keep, NACK of the gap"),
        (225, "r + 1, no room", "NACK_FULL"),
        (280, "no link", "NACK_NOLINK"),
    )
    for y, when, what in outcomes:
        d.text(612, y + 1, when, "", "")
        d.box(720, y - 10, 170, 32, what, kind="plain")
        d.arrow((600, 160), (600, y + 7), (720, y + 7))
    d.box(230, 230, 160, 50, "reorder directory", "finds a kept packet by ID", kind="memory")
    d.arrow((515, 190), (515, 255), (390, 255), both=True)
    d.text(455, 274, "keep, look up")
    d.box(450, 30, 130, 50, "delivery", "a stream per VC")
    d.arrow((390, 55), (450, 55))
    d.text(420, 48, "bytes")
    d.arrow((515, 130), (515, 80))
    d.text(522, 108, "verdict", anchor="")
    return d


def slots():
    """The list of a link's replay slots, the free list, and what moves the ends."""
    d = Drawing(900, 290, "Replay slots: a list for each link, and the list of free slots")
    d.box(30, 60, 120, 132)
    d.text(90, 82, "tag of a link", "title")
    for number, (name, x) in enumerate((("retire", 230), ("current", 500), ("alloc", 680))):
        y, side = 110 + 30 * number, 182 - 10 * number
        d.text(46, y + 4, name, "mono", "")
        d.arrow((112, y), (side, y), (side, 42 - 12 * number), (x, 42 - 12 * number), (x, 66))
    for number in range(6):
        x = 200 + 90 * number
        sent = number < 3
        d.box(
            x,
            66,
            60,
            50,
            f"ID {7 + number}",
            "sent" if sent else "waits",
            kind="memory" if sent else "plain",
        )
        if number < 5:
            d.arrow((x + 60, 91), (x + 90, 91))
    d.text(200, 140, "ACK 8: retire moves on, slots 7 and 8 become free", anchor="")
    d.text(200, 158, "NACK 7: the head of the list is sent again, no search", anchor="")
    d.text(200, 176, "NACK 9: found by following the list, one hop per clock", anchor="")
    d.text(485, 140, "current: the next one to send", anchor="")
    d.text(485, 158, "go-back-N: current moves back to retire", anchor="")
    d.text(485, 176, "alloc: the host's newest packet", anchor="")
    d.text(30, 242, "free list", "title", "")
    for number in range(5):
        x = 200 + 90 * number
        d.box(x, 220, 60, 36, "free", kind="plain")
        d.arrow((x + 60, 238), (x + 90, 238))
    d.arrow((105, 238), (200, 238))
    d.text(655, 242, "... one free slot admits one packet of the host", anchor="")
    return d


def board(name):
    """What a bitstream of this board has in it, and what is around it."""
    board, oscillator = BOARDS[name], oscillator_of(BOARDS[name])
    d = Drawing(900, 400, board.title)
    d.frame(150, 30, 600, 340, "FPGA")
    d.box(570, 60, 150, 150, "port", "engine, NIC,", "MAC with RGMII", f"preset {board.preset}")
    d.box(790, 100, 90, 60, "PHY", "RGMII", kind="plain")
    d.arrow((720, 120), (790, 120), both=True)
    d.arrow((790, 145), (720, 145))
    d.text(755, 162, "RXC")
    d.text(755, 114, "data")
    for line, (what, taps) in enumerate(board.delays.items()):
        delayed = {"tx_clock_taps": "TXC", "rx_data_taps": "RXD", "rx_clock_taps": "RXC"}[what]
        d.text(835, 178 + 14 * line, f"{delayed} {25 * taps / 1000:g} ns late", "")
    d.box(360, 60, 150, 60, "application", "echo, traffic", "or bridge", kind="stage")
    d.arrow((510, 90), (570, 90), both=True)
    d.text(540, 84, "VC 0 to 2")
    d.box(180, 160, 100, 50, "UART", "8N1")
    d.box(310, 160, 76, 50, "bridge", "requests")
    d.box(440, 160, 70, 50, "split")
    d.arrow((280, 185), (310, 185), both=True)
    d.arrow((386, 185), (440, 185), both=True)
    d.text(424, 202, "AXI")
    d.arrow((510, 185), (570, 185), both=True)
    d.text(540, 178, "0x0000")
    d.box(380, 260, 130, 50, "board's registers", kind="memory")
    d.arrow((475, 210), (475, 260), both=True)
    d.text(483, 240, "0x8000", anchor="")
    d.arrow((406, 260), (406, 120), both=True)
    d.text(400, 150, "figures", anchor="end")
    d.box(570, 260, 150, 50, "lights", "link, receive, send, fault")
    d.arrow((645, 210), (645, 260))
    d.arrow((570, 285), (510, 285))
    if board.leds:
        d.arrow((720, 285), (790, 285))
        for line, resource in enumerate(dict.fromkeys(place[:2] for place in board.leds.values())):
            d.text(835, 268 + 14 * line, " ".join(map(str, resource)), "")
    else:
        d.text(645, 328, "no LED: by registers only")
    d.box(180, 60, 130, 40, "seed", "on-chip oscillator")
    d.arrow((245, 60), (245, 46), (600, 46), (600, 60))
    d.text(320, 42, "seed of IDs and epochs; reset until it is made", anchor="")
    d.box(180, 300, 150, 50, "PLL", f"engine: {board.clock_mhz:g} MHz")
    d.arrow((110, 325), (180, 325))
    d.text(60, 322, f"{oscillator:g} MHz", "")
    d.text(60, 340, "and reset" if board.reset else "no reset", "")
    d.box(20, 160, 90, 50, "computer", "ttpoe board", kind="plain")
    d.arrow((110, 185), (180, 185), both=True)
    for line, words in enumerate(board.uart):
        d.text(65, 228 + 14 * line, words)
    return d


def diagrams():
    """`{path below docs/: SVG}`."""
    return {
        f"pictures/{name}.svg": draw().svg()
        for name, draw in (
            ("engine", blocks),
            ("pipeline", pipeline),
            ("receive-path", receive),
            ("slot-lists", slots),
            *((f"board-{name}", partial(board, name)) for name in BOARDS),
        )
    }
