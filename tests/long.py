"""What `make test` leaves out: `@long` on a test, `long_case(...)` for one of its cases.

Long is what builds or runs for half a minute, and what a further preset or width repeats of what
another case shows. `--long` runs it, `make verify` does, and so does naming its file.
"""

import pytest

__all__ = ["BITS", "BYTES", "long", "long_case"]

long = pytest.mark.long


def long_case(*values, id=None):
    """A case of a parametrised test that is long."""
    return pytest.param(*values, marks=long, id=id)


BITS = (64, long_case(128), long_case(256), 512)
"""Every datapath width. Most faults of a width show in the narrowest or the widest."""
BYTES = (8, long_case(16), long_case(32), 64)
"""The same in bytes."""
