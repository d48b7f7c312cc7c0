"""Boxes, arrows and text as SVG: what the diagrams of docs/ are made of."""

from html import escape

__all__ = ["Drawing"]

_STYLE = (
    ".paper{fill:#fff}.box{fill:#eef2fb;stroke:#3a4a6b}.memory{fill:#fdf3e1;stroke:#8a6a2b}"
    ".stage{fill:#e6f4ea;stroke:#2f6b45}.plain{fill:#fff;stroke:#7a8499}"
    ".frame{fill:none;stroke:#7a8499;stroke-dasharray:5 4}"
    ".way{fill:none;stroke:#4b566e;stroke-width:1.6}.head{fill:#4b566e}"
    "text{font:13px Helvetica,Arial,sans-serif;fill:#1c2333}.title{font-weight:bold}"
    ".small{font-size:11px;fill:#4b566e}.mono{font:12px monospace}"
    ".mid{text-anchor:middle}.end{text-anchor:end}"
)


class Drawing:
    """A picture of `width` x `height`; what is drawn later lies above."""

    def __init__(self, width, height, title):
        self._size, self._title, self._parts = (width, height), title, []

    def text(self, x, y, text, kind="small", anchor="mid"):
        """One line at its baseline; `anchor`: mid, end, or nothing for the left."""
        self._parts.append(
            f'<text class="{kind} {anchor}" x="{x:g}" y="{y:g}">{escape(text)}</text>'
        )

    def box(self, x, y, width, height, *lines, kind="box"):
        """A box; its first line is its name."""
        self._parts.append(
            f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" '
            f'height="{height:g}" rx="5"/>'
        )
        lines = lines or ("",)
        top = y + height / 2 - 8 * (len(lines) - 1)
        for number, line in enumerate(lines):
            self.text(x + width / 2, top + 16 * number + 4, line, "small" if number else "title")

    def frame(self, x, y, width, height, name=""):
        """A dashed border around several boxes."""
        self._parts.append(
            f'<rect class="frame" x="{x:g}" y="{y:g}" width="{width:g}" '
            f'height="{height:g}" rx="8"/>'
        )
        if name:
            self.text(x + 10, y + 16, name, anchor="")

    def arrow(self, *points, both=False):
        """A line through the points, with a head at its end (`both`: at its beginning, too)."""
        path = "M" + "L".join(f"{x:g} {y:g}" for x, y in points)
        begin = ' marker-start="url(#tail)"' if both else ""
        self._parts.append(f'<path class="way" d="{path}" marker-end="url(#head)"{begin}/>')

    def svg(self):
        width, height = self._size
        marks = "".join(
            f'<marker id="{name}" viewBox="0 0 8 8" refX="{x}" refY="4" markerWidth="7" '
            f'markerHeight="7" orient="auto"><path d="{shape}" class="head"/></marker>'
            for name, x, shape in (("head", 7, "M0 0L8 4L0 8z"), ("tail", 1, "M8 0L0 4L8 8z"))
        )
        return "\n".join(
            [
                f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
                f'aria-label="{escape(self._title)}" xmlns="http://www.w3.org/2000/svg">',
                f"<defs>{marks}<style>{_STYLE}</style></defs>",
                '<rect class="paper" width="100%" height="100%"/>',
                *self._parts,
                "</svg>",
                "",
            ]
        )
