"""The state diagram of a link, drawn from `ttpoe.link.state_table.TABLE`."""

from html import escape
from math import hypot

from ttpoe.link.state_table import TABLE

__all__ = ["edges", "layout", "svg"]

_PLACES = {
    "CLOSED": (480, 40),
    "OPEN_SENT": (130, 190),
    "OPEN_RECD": (830, 190),
    "OPEN": (360, 310),
    "CLOSE_SENT": (130, 500),
    "CLOSE_RECD": (830, 500),
    "closed": (480, 640),
}
_WIDTH, _HEIGHT, _BOX, _LINE, _CHAR = 960, 680, (116, 34), 13, 6.1
_STYLE = (
    ".states rect{fill:#eef2fb;stroke:#3a4a6b}.states .paper{fill:#fff;stroke:none}"
    ".states .way{fill:none;stroke:#7a8499;stroke-width:1.2}.states .head{fill:#7a8499}"
    ".states text{font:10px monospace;fill:#1c2333;paint-order:stroke;stroke:#fff;"
    "stroke-width:4px}.states text.action{fill:#2a5fb4}"
    ".states text.state{font:bold 13px sans-serif;text-anchor:middle;stroke:none}"
)
# (from, to): (sideways shift of the whole line, where the label is on it, which side of it).
_ROUTES = {
    ("CLOSED", "OPEN_SENT"): (-9, 0.62, 1),
    ("OPEN_SENT", "CLOSED"): (-9, 0.45, -1),
    ("CLOSED", "OPEN_RECD"): (9, 0.62, -1),
    ("OPEN_RECD", "CLOSED"): (9, 0.45, 1),
    ("OPEN_SENT", "OPEN"): (0, 0.45, -1),
    ("OPEN_RECD", "OPEN"): (0, 0.45, 1),
    ("OPEN", "CLOSE_SENT"): (0, 0.45, -1),
    ("OPEN", "CLOSE_RECD"): (0, 0.5, 1),
    ("OPEN", "CLOSED"): (0, 0.45, 0),
    ("CLOSE_SENT", "CLOSED"): (0, 0.5, -1),
    ("CLOSE_RECD", "CLOSED"): (0, 0.5, 1),
    ("CLOSE_RECD", "OPEN_RECD"): (0, 0.5, 0),
    ("CLOSE_SENT", "OPEN_RECD"): (0, 0.72, 1),
}
# States from which CLOSED is reached at the lower end, so that lines need not cross.
_ENDS_BELOW = ("OPEN", "CLOSE_SENT", "CLOSE_RECD")


def edges():
    """`{(state, next state): {event: [action, ...]}}` of every row that changes the state."""
    found = {}
    for event, cells in TABLE.items():
        for state, rows in cells.items():
            for _guards, action, after in rows:
                if after != state:
                    actions = found.setdefault((state.name, after.name), {}).setdefault(
                        event.name, []
                    )
                    if action.name not in actions:
                        actions.append(action.name)
    return found


def _ends(state, after, shift):
    """Where the line begins and ends: on the edges of the two boxes."""
    (x0, y0) = _PLACES[state]
    (x1, y1) = _PLACES["closed" if after == "CLOSED" and state in _ENDS_BELOW else after]
    dx, dy = x1 - x0, y1 - y0
    length = hypot(dx, dy)
    # To the right of the way, so that two ways do not lie on each other.
    aside_x, aside_y = -dy * shift / length, dx * shift / length

    def left(sign):
        """The part of the way after which it is outside of a box, seen from its centre."""
        return min(
            ((half + 3) * (1 if step > 0 else -1) - sign * aside) / step
            for half, step, aside in ((_BOX[0] / 2, dx, aside_x), (_BOX[1] / 2, dy, aside_y))
            if step
        )

    begin, end = left(1), left(-1)
    return (
        x0 + aside_x + dx * begin,
        y0 + aside_y + dy * begin,
        x1 + aside_x - dx * end,
        y1 + aside_y - dy * end,
    )


def layout():
    """`[((x0, y0, x1, y1), (left, top, width, height), lines)]`, one for each edge."""
    drawn = []
    for (state, after), events in edges().items():
        shift, along, side = _ROUTES.get((state, after), (0, 0.5, 0))
        line = _ends(state, after, shift)
        by_actions = {}
        for event, actions in events.items():
            by_actions.setdefault(", ".join(actions), []).append(event)
        lines = []
        for actions, names in by_actions.items():
            lines += [" or ".join(names), f"  {actions}"]
        width, height = max(map(len, lines)) * _CHAR, len(lines) * _LINE
        x = line[0] + (line[2] - line[0]) * along
        y = line[1] + (line[3] - line[1]) * along
        left = x - width / 2 if side == 0 else x + 8 if side > 0 else x - width - 8
        drawn.append((line, (left, y - height / 2, width, height), lines))
    return drawn


def svg():
    """The diagram, on white paper."""
    out = [
        f'<svg class="states" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        'aria-label="State diagram of a link" xmlns="http://www.w3.org/2000/svg">',
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" class="head"/></marker>'
        f"<style>{_STYLE}</style></defs>",
        '<rect width="100%" height="100%" class="paper"/>',
    ]
    drawn = layout()
    for (x0, y0, x1, y1), _box, _lines in drawn:
        out.append(
            f'<path class="way" d="M{x0:.0f} {y0:.0f}L{x1:.0f} {y1:.0f}" marker-end="url(#head)"/>'
        )
    for _line, (left, top, _width, _height), lines in drawn:
        for number, text in enumerate(lines):
            kind = "action" if text.startswith("  ") else "event"
            out.append(
                f'<text class="{kind}" x="{left + (8 if kind == "action" else 0):.0f}" '
                f'y="{top + (number + 0.8) * _LINE:.0f}">{escape(text.strip())}</text>'
            )
    for name, (x, y) in _PLACES.items():
        out.append(
            f'<rect x="{x - _BOX[0] / 2:.0f}" y="{y - _BOX[1] / 2:.0f}" rx="6" '
            f'width="{_BOX[0]}" height="{_BOX[1]}"/>'
            f'<text class="state" x="{x}" y="{y + 5}">{name.upper()}</text>'
        )
    return "\n".join([*out, "</svg>"])
