"""Reading a waveform, VCD or FST: which signals it has, and their changes."""

from bisect import bisect_right

from pywellen import Waveform  # pyright: ignore[reportAttributeAccessIssue] (compiled)

from .content import GROUPS, Line

__all__ = ["Dump", "Shown", "MissingSignal", "ENGINES"]

ENGINES = ("a", "b")


class MissingSignal(Exception):
    """A view names a signal that the waveform does not have; the text says which."""


class Shown:
    """A `Line` for one engine, with the signal that the waveform has for it."""

    def __init__(self, line: Line, engine, variable):
        self.line, self.engine = line, engine
        self.name = variable.full_name.replace("\\", "")
        self.own_name = variable.name.replace("\\", "")
        self.width = variable.bitwidth

    @property
    def is_field(self):
        """It is a field of a record: its own name, without the scopes, has a dot in it."""
        return "." in self.own_name


class Dump:
    """One waveform.

    Icarus writes the fields of a record under escaped names (`\\q1.event`), Verilator under plain
    ones; here they are the same, `scope.q1.event`.
    """

    def __init__(self, path):
        self.path = path
        self._waveform = Waveform(str(path))
        self._variables = {}
        for variable in self._waveform.all_vars():
            self._variables.setdefault(variable.full_name.replace("\\", ""), variable)
        self._engines = {}

    def __contains__(self, name):
        return name in self._variables

    def variable(self, name):
        """The variable of that name; `MissingSignal` if there is none."""
        try:
            return self._variables[name]
        except KeyError:
            raise MissingSignal(f"{self.path.name} has no signal {name}") from None

    def engine(self, x):
        """Where the engine `x` is: `pair.a.core`, in a NIC further down."""
        if x not in self._engines:
            ends = ".pipeline.o_done__valid"
            found = [
                name
                for name in self._variables
                if name.startswith(f"pair.{x}.") and name.endswith(ends)
            ]
            if not found:
                raise MissingSignal(f"{self.path.name} has no engine below pair.{x}")
            self._engines[x] = min(found, key=len).removesuffix(ends)
        return self._engines[x]

    def resolve(self, path, x):
        """The full name of a `Line`'s path for engine `x`."""
        if path.startswith("@"):
            return f"{self.engine(x)}.{path[1:]}"
        return path.format(x=x)

    def view(self):
        """`[(title, [Shown])]`, each group for both engines; `MissingSignal` if a line has none."""

        def shown(line, x):
            name = self.resolve(line.path, x)
            return (
                [] if line.if_built and name not in self else [Shown(line, x, self.variable(name))]
            )

        return [
            (f"{x}: {title}", [found for line in lines for found in shown(line, x)])
            for x in ENGINES
            for title, lines in GROUPS
        ]

    def changes(self, name):
        """`[(time, value)]` of a signal, from its first change."""
        return list(self.variable(name).tv)

    def first(self, name, value=1):
        """When the signal has the value for the first time, or None."""
        return next((time for time, now in self.changes(name) if now == value), None)

    def focus(self):
        """`(engine, time)` where it first becomes interesting: the first replay, else the first
        frame, else the start. The view opens the groups of that engine."""
        for signal in ("stat_payload_replayed", "m_mac_tx_tvalid"):
            found = [
                (time, x)
                for x in ENGINES
                if f"pair.{x}_{signal}" in self
                and (time := self.first(f"pair.{x}_{signal}")) is not None
            ]
            if found:
                time, x = min(found)
                return x, time
        return ENGINES[0], 0

    def moment(self):
        """The time of `focus`."""
        return self.focus()[1]

    def end(self):
        """The time of the last edge of the clock."""
        return self.changes("pair.clk")[-1][0]

    def sampler(self, name):
        """A function of time: the signal's value then (None before its first change)."""
        changes = self.changes(name)
        times = [time for time, _value in changes]

        def at(time):
            index = bisect_right(times, time)
            return changes[index - 1][1] if index else None

        return at
