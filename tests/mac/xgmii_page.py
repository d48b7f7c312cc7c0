"""The numbers of docs/design/xgmii.md, which tests compare with the hardware."""

from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "design" / "xgmii.md"


def table(head):
    """`{first cell: second cell}` of the table whose first column has this head."""
    lines = PAGE.read_text().split(f"| {head} |")[1].splitlines()[2:]
    rows = lines[: lines.index("")]
    return dict([cell.strip() for cell in row.strip("|").split("|")][:2] for row in rows)
