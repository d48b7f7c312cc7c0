"""A change of a source file that is named by its text, however that text is broken into lines."""

import re

__all__ = ["changed"]

_TOKEN = re.compile(r"\w+|[^\w\s]")


def _pattern(text):
    """Matches `text` with any space and line breaks, and with a comma before a closing bracket."""
    parts = []
    for token in _TOKEN.findall(text):
        if token in ")]}":
            parts.append(r"(?:,\s*)?")
        parts.append(re.escape(token) + r"\s*")
    pattern = "".join(parts)
    return re.compile(pattern.removesuffix(r"\s*"))


def changed(source, old, new):
    """`source` with `new` in the place of `old`; a ValueError if `old` is not there exactly once."""
    found = list(_pattern(old).finditer(source))
    if len(found) != 1:
        raise ValueError(f"'{old}' occurs {len(found)} times, not once")
    return source[: found[0].start()] + new + source[found[0].end() :]
