"""A function of Verilator's C++, turned into loops over lanes (`lanes.py`)."""

import re

__all__ = ["Function", "Unknown"]

_NAME = re.compile(
    r"vlSelfRef\.(\w+)|\b(\w+__ConstPool__\w+)|(?<![.\w])((?:__V\w+|\w+__DOT__\w+))\b"
)
_LOCAL = re.compile(r"(?:([CSIQ]Data)|VlWide<(\d+)>)/\*[\d:]*\*/ (\w+);")
_COPY = re.compile(r"VL_ASSIGN_W\((\d+), (.*), (\w+)\)", re.DOTALL)
_ASSIGN = re.compile(r"(.*?[^=!<>])=(?!=)(.*)", re.DOTALL)
_ELSE = re.compile(r"\s*else\s*")
_CLOSING = {"(": ")", "[": "]", "{": "}"}


class Unknown(Exception):
    """The model has what is not known here."""


def _bracket(text, at):
    """The place after the bracket that opens there."""
    opens, closes, depth = text[at], _CLOSING.get(text[at]), 0
    if closes is None:
        raise Unknown(text[at : at + 60])
    for place in range(at, len(text)):
        depth += (text[place] == opens) - (text[place] == closes)
        if not depth:
            return place + 1
    raise Unknown(text[at : at + 60])


def _space(text, at):
    while at < len(text) and text[at].isspace():
        at += 1
    return at


class Function:
    """`lines`: the body of the function for all lanes of the `LaneBank` `b`."""

    def __init__(self, members, body):
        self._members = members
        self._locals, self._wide, self._count = set(), set(), 0
        self.lines = []
        head, there, body = body.partition("// Body")
        if not there:
            raise Unknown(head)
        for kind, words, name in _LOCAL.findall(head):
            (self._wide if words else self._locals).add(name)
            size = f"[{words}]" if words else ""
            self.lines.append(f"    {kind or 'IData'} {name}{size}[LANES] = {{}};")
        self._block(body, None)

    def _loop(self, statement):
        self.lines.append(f"    EACH_LANE {{ {statement} }}")

    def _temporary(self, kind, value):
        """A value for each lane, in a variable of its own: so what can be made of vectors is, whatever
        the value is made of."""
        self._count += 1
        name = f"t{self._count}"
        self.lines.append(f"    {kind} {name}[LANES];")
        self._loop(f"{name}[l] = {value};")
        return f"{name}[l]"

    # ---- expressions ---------------------------------------------------------------------------

    def _expression(self, text, apart=True):
        """For lane `l`. `apart`: what is read of a memory goes into a variable first."""
        parts, at = [], 0
        while found := _NAME.search(text, at):
            parts.append(text[at : found.start()])
            value, at = self._value(found, text, apart)
            parts.append(value)
        return re.sub(r"\s+", " ", "".join([*parts, text[at:]]))

    def _index(self, text, at, apart):
        """`(index in brackets, place after it)`."""
        at = _space(text, at)
        end = _bracket(text, at)
        if text[at] != "[":
            raise Unknown(text[at : at + 60])
        return self._expression(text[at + 1 : end - 1], apart), end

    def _value(self, found, text, apart):
        member, constant, local = found.groups()
        members, at = self._members, found.end()
        if member == "rst":
            return "0U", at
        if member in members.scalars:
            return f"b.{member}[l]", at
        if local in self._locals:
            return f"{local}[l]", at
        if members.whole(member) or member in members.wide or local in self._wide:
            index, at = self._index(text, at, apart)
            if members.whole(member):
                return f"b.{member}[l][{index}]", at
            return f"{f'b.{member}' if member else local}[{index}][l]", at
        if constant or member in members.memories:
            return self._element(member, constant, text, at, apart)
        raise Unknown(found[0])

    def _element(self, memory, constant, text, at, apart):
        index, at = self._index(text, at, apart)
        kind = "IData"
        value = f"{constant}[{index}]" if constant else f"b.roots[l]->{memory}[{index}]"
        if memory:
            kind = self._members.memories[memory]
            if kind.startswith("VlWide"):
                word, at = self._index(text, at, apart)
                value, kind = f"{value}[{word}]", "IData"
        return (self._temporary(kind, value) if apart else value), at

    # ---- statements ----------------------------------------------------------------------------

    def _block(self, text, mask):
        """Statements; `mask` says in which lanes they hold, None: in all."""
        at = _space(text, 0)
        while at < len(text):
            if text.startswith("if (", at):
                at = self._if(text, at, mask)
            else:
                end = text.index(";", at)
                self._statement(text[at:end], mask)
                at = end + 1
            at = _space(text, at)

    def _if(self, text, at, mask):
        """The place after it, and after all that is else."""
        end = _bracket(text, at + 3)
        condition = text[at + 4 : end - 1]
        begin = _space(text, end)
        then_end = end = _bracket(text, begin)
        other = _ELSE.match(text, end)
        if other:
            end = self._end(text, other.end())
        never = condition.strip() == "vlSelfRef.rst"
        holds = mask if never else self._mask(self._expression(condition), mask)
        if not never:
            self._block(text[begin + 1 : then_end - 1], holds)
        if other:
            rest = text[other.end() : end]
            inner = rest if rest.startswith("if (") else rest[1:-1]
            self._block(inner, mask if never else self._mask(f"!{holds}", mask))
        return end

    def _end(self, text, at):
        """The place after the statement, a block or an if, that begins there."""
        if not text.startswith("if (", at):
            return _bracket(text, at)
        end = _bracket(text, _space(text, _bracket(text, at + 3)))
        other = _ELSE.match(text, end)
        return self._end(text, other.end()) if other else end

    def _mask(self, condition, mask):
        return self._temporary(
            "CData", f"{mask} && ({condition})" if mask else f"bool({condition})"
        )

    def _statement(self, text, mask):
        if found := _COPY.fullmatch(text):
            for word in range((int(found[1]) + 31) // 32):
                self._set(self._expression(f"{found[2]}[{word}U]"), f"{found[3]}[{word}]", mask)
            return
        found = _ASSIGN.fullmatch(text)
        if not found:
            raise Unknown(text)
        target = _NAME.match(found[1].strip())
        if target and target[1] in self._members.memories:
            place, value = (self._expression(part, apart=False) for part in found.groups())
            self._loop(f"{f'if ({mask}) ' if mask else ''}{place}= {value};")
        else:
            self._set(self._expression(found[1]), self._expression(found[2]), mask)

    def _set(self, place, value, mask):
        self._loop(f"{place} = {f'{mask} ? ({value}) : {place}' if mask else value};")
