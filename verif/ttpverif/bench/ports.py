"""Fast access to the signals of `pair`.

A cocotb handle's `.value` builds an object per read and queues each write for a later phase; at
one read per stream and clock that is most of the run time. These closures call cocotb's GPI
object below it: the version of cocotb is pinned, and this is the only file that does so.
Writes take effect in the same time step, which is safe because nothing but the bench happens on
a falling edge.
"""

__all__ = ["reader", "writer", "write_now", "BenchError"]

_DEPOSIT = 0  # cocotb.handle._GPISetAction.DEPOSIT


class BenchError(AssertionError):
    """Something the bench watches went wrong; the text says where and when."""


def reader(signal):
    """A function that returns the signal as an unsigned integer; X or Z raises `BenchError`."""
    binary = signal._handle.get_signal_val_binstr
    name = signal._name

    def read():
        text = binary()
        try:
            return int(text, 2)
        except ValueError:
            raise BenchError(f"{name} is {text}") from None

    return read


def writer(signal):
    """A function that sets the signal, at once, to an unsigned integer."""
    put = signal._handle.set_signal_val_binstr
    form = f"0{len(signal)}b" if hasattr(type(signal), "__len__") else "b"

    def write(value):
        put(_DEPOSIT, format(value, form))

    return write


def write_now(signal, value):
    """Set one signal at once."""
    writer(signal)(value)
