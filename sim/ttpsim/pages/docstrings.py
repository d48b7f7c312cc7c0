"""From the hardware's docstrings to Markdown, read from the source without importing it."""

import ast
import inspect
import re

__all__ = ["blocks_of", "markdown", "module_text", "summary"]

_CODE = re.compile(r"(`+.*?`+)", re.DOTALL)


def _escaped(text):
    """Text outside of backticks, without what Markdown or HTML would take for its own."""
    parts = _CODE.split(text)
    return "".join(
        part.replace("|", "\\|") if number % 2 else re.sub(r"([*<\[\]|])", r"\\\1", part)
        for number, part in enumerate(parts)
    )


def _joined(lines):
    return _escaped(" ".join(line.strip() for line in lines if line.strip()))


def _entries(lines):
    """`[(names, type, meaning lines)]` of a section of a docstring in NumPy's style."""
    found, head = [], []
    for line in lines:
        if not line.strip():
            continue
        if line.startswith(" "):
            if head:
                found.append([" ".join(head), []])
                head = []
            found[-1][1].append(line)
        else:
            head.append(line.strip())
            if " : " in line and not line.endswith(","):
                found.append([" ".join(head), []])
                head = []
    if head:
        found.append([" ".join(head), []])
    return [entry for text, meaning in found for entry in _pairs(text, meaning)]


def _pairs(text, meaning):
    """ "a : In(1), b : Out(2)" is two entries, whose meaning stands beside the first."""
    pairs = re.findall(r"(.+?) : (.+?)(?:, (?=[^()]+ : )|$)", text) or [(text, "")]
    return [(names, kind, [] if number else meaning) for number, (names, kind) in enumerate(pairs)]


def _names(text):
    """Each name as code, and what stands beside it in brackets as text."""
    return ", ".join(
        _escaped(name) if "`" in name or " " in name else f"`{name}`"
        for name in text.split(", ")
        if name
    )


def _kind(text):
    return _escaped(text) if "`" in text or not text else f"`{text}`"


def _table(title, lines):
    rows = [f"| {title} | | |", "|---|---|---|"]
    for names, kind, meaning in _entries(lines):
        cells = _names(names), _kind(kind), _joined(meaning)
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _paragraphs(lines):
    """Text with its indented drawings; "Timing: ..." and the like begin in bold."""
    out, block = [], []
    for line in [*lines, ""]:
        if line.strip():
            block.append(line)
            continue
        if block and all(text.startswith("    ") for text in block):
            out.append("\n".join(["```text", *(text[4:] for text in block), "```"]))
        elif block and block[0].lstrip().startswith(("- ", "* ")):
            out.append("\n".join(_escaped(text) for text in block))
        elif block:
            text = _joined(block)
            out.append(re.sub(r"^([A-Z][a-z]+): ", r"**\1.** ", text))
        block = []
    return "\n\n".join(out)


def markdown(docstring):
    """A docstring as Markdown: text, a table for each list of members or parameters."""
    lines = inspect.cleandoc(docstring).splitlines()
    marks = [n for n in range(1, len(lines)) if re.fullmatch(r"-{3,}", lines[n])]
    out = [_paragraphs(lines[: marks[0] - 1] if marks else lines)]
    for begin, end in zip(marks, [*(mark - 1 for mark in marks[1:]), len(lines)]):
        title, body = lines[begin - 1], lines[begin + 1 : end]
        if not title.startswith(("Members", "Parameters")):
            out.append(f"**{title}.** {_paragraphs(body)}")
            continue
        # The section ends where text begins at the margin that is no entry.
        stop = next(
            (
                n
                for n, line in enumerate(body)
                if n and not body[n - 1].strip() and line and not line.startswith(" ")
            ),
            len(body),
        )
        out += [_table(title, body[:stop]), _paragraphs(body[stop:])]
    return "\n\n".join(text for text in out if text)


def module_text(path):
    """`(docstring as Markdown, its first line)` of a source file."""
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    return markdown(text), text.split("\n")[0]


def summary(path):
    return module_text(path)[1]


def _is_component(node):
    return any(ast.unparse(base).endswith("Component") for base in node.bases)


def blocks_of(path):
    """`(components, others)`: `[(name, docstring as Markdown)]` of a file's public definitions."""
    components, others = [], []
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_"):
            text = ast.get_docstring(node)
            if not text:
                continue
            component = isinstance(node, ast.ClassDef) and _is_component(node)
            (components if component else others).append((node.name, markdown(text)))
    return components, others
