"""What a register map is made of: fields, registers, the map. Data only."""

from dataclasses import dataclass
from enum import Enum

from ..config import Config

__all__ = ["Access", "Field", "Register", "RegisterMap"]


class Access(Enum):
    """What software can do with a field."""

    RO = "ro"  # read only
    RW = "rw"  # read and write
    W1C = "w1c"  # set by hardware; reads back, a written 1 clears
    WO = "wo"  # a write does something; reads 0
    WCLR = "wclr"  # moved by hardware; reads back, a write of any value clears


@dataclass(frozen=True)
class Field:
    """Some bits of a register.

    Parameters
    ----------
    name : str
        In small letters; a C and SystemRDL identifier.
    lsb, width : int
        Its place, in bits.
    access : Access
    meaning : str
        One or two sentences.
    reset : int or None
        Value after reset; None: what the hardware shows then.
    clears : str
        What clears it, if not a write of the value.
    saturates : bool
        It stays at all ones.
    configured, sized : bool
        `reset` (`configured`) or `width` (`sized`) come from the configuration.
    drives : str
        Output of `csr.block.Csr` that shows this field.
    port : str
        Input of `csr.block.Csr` that gives the value until software writes one.
    """

    name: str
    lsb: int
    width: int
    access: Access
    meaning: str
    reset: int | None = 0
    clears: str = ""
    saturates: bool = False
    configured: bool = False
    sized: bool = False
    drives: str = ""
    port: str = ""

    @property
    def mask(self):
        """Its bits in the register."""
        return ((1 << self.width) - 1) << self.lsb


@dataclass(frozen=True)
class Register:
    """32 bits at one address; bits without a field read 0 and ignore writes."""

    name: str
    address: int
    meaning: str
    fields: tuple

    @property
    def writable(self):
        """A write is not answered with SLVERR."""
        return any(field.access is not Access.RO for field in self.fields)

    @property
    def reset(self):
        """Value after reset, fields without a known one as 0."""
        return sum((field.reset or 0) << field.lsb for field in self.fields)


@dataclass(frozen=True)
class RegisterMap:
    """All registers of one configuration, in the order of their addresses."""

    config: Config
    registers: tuple

    def __getitem__(self, name):
        return next(register for register in self.registers if register.name == name)

    @property
    def counters(self):
        """The registers that are counters, in the order of `registers.COUNTERS`."""
        return [register for register in self.registers if register.fields[0].access is Access.WCLR]
