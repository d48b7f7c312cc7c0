"""Registers by name, for software and tests: `Registers(config, read, write)`.

Works over anything that can read and write a 32-bit word, at once or later: if `read` and `write`
return awaitables (a cocotb master), so do the methods here.
"""

import inspect
from typing import TYPE_CHECKING, Any

from .registers import counters, register_map

__all__ = ["Registers", "RegisterAccess"]


def _then(result, function) -> Any:
    """`function(result)`, now or when the result is there: only the caller knows which."""
    if not inspect.isawaitable(result):
        return function(result)

    async def later():
        following = function(await result)
        return await following if inspect.isawaitable(following) else following

    return later()


class RegisterAccess:
    """One register behind `read(address)` and `write(address, value)`."""

    def __init__(self, register, read, write):
        self.register = register
        self._read, self._write = read, write

    def read(self):
        """Its 32 bits."""
        return self._read(self.register.address)

    def write(self, value=0, **fields):
        """Write 32 bits, or fields by name; fields that are not named are written as 0."""
        return self._write(self.register.address, self._pack(value, fields))

    def fields(self):
        """A dict of its fields."""
        return _then(
            self.read(),
            lambda value: {
                field.name: (value & field.mask) >> field.lsb for field in self.register.fields
            },
        )

    def set(self, **fields):
        """Change some fields and keep the others: one read, one write."""
        mask = sum(self._field(name).mask for name in fields)
        return _then(
            self.read(),
            lambda value: self._write(self.register.address, self._pack(value & ~mask, fields)),
        )

    def _field(self, name):
        for field in self.register.fields:
            if field.name == name:
                return field
        raise AttributeError(f"register {self.register.name} has no field {name!r}")

    def _pack(self, value, fields):
        for name, part in fields.items():
            field = self._field(name)
            if part << field.lsb & ~field.mask or part < 0:
                raise ValueError(
                    f"{self.register.name}.{name} must fit in {field.width} bits; got {part}"
                )
            value |= part << field.lsb
        return value


class Registers:
    """Every register of a configuration as an attribute: `registers.NODE.write(0x123456)`.

    Parameters
    ----------
    config : Config
    read : callable (address) -> int, or awaitable
    write : callable (address, value), or awaitable
        Byte addresses, relative to the block. An answer other than OKAY is theirs to report.
    mac : str or None
        Kind of the port's MAC, see `mac.kinds`.
    """

    def __init__(self, config, read, write, mac=None):
        self.map = register_map(config, mac)
        self._counters = counters(mac)
        for register in self.map.registers:
            setattr(self, register.name, RegisterAccess(register, read, write))

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> RegisterAccess: ...

    def counter(self, name):
        """The counter of a statistic, by the name of its pulse (`stat_rx_good`)."""
        if name not in self._counters:
            raise AttributeError(f"no counter {name!r}")
        return getattr(self, f"COUNT_{name.removeprefix('stat_').upper()}")
