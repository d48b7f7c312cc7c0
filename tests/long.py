"""What `make test` leaves out: `@long` on a test, `long_case(...)` for one of its cases.

Long is what builds or runs for half a minute, and what a further preset or width repeats of what
another case shows. `--long` runs it, `make verify` does, and so does naming its file.
"""

import itertools

import pytest

__all__ = ["BITS", "BYTES", "crossed", "long", "long_case"]

long = pytest.mark.long


def long_case(*values, id=None):
    """A case of a parametrised test that is long."""
    return pytest.param(*values, marks=long, id=id)


def crossed(*columns):
    """All combinations of one case of each column, for one `parametrize` of as many names.

    Short are as many as the longest column has short cases, so that each of every column is in one:
    the first of all, the second of all, and so on, a column that ends begins again. A case of
    several names is a tuple.
    """
    columns = [
        [case if hasattr(case, "marks") else pytest.param(case) for case in column]
        for column in columns
    ]
    short = [[case for case in column if not case.marks] for column in columns]
    diagonal = [
        [column[number % len(column)] for column in short] for number in range(max(map(len, short)))
    ]
    found = []
    for combination in itertools.product(*columns):
        values = [
            value
            for case in combination
            for value in (case.values[0] if isinstance(case.values[0], tuple) else case.values)
        ]
        is_short = any(all(a is b for a, b in zip(combination, line)) for line in diagonal)
        found.append(pytest.param(*values) if is_short else long_case(*values))
    return found


BITS = (64, long_case(128), long_case(256), 512)
"""Every datapath width. Most faults of a width show in the narrowest or the widest."""
BYTES = (8, long_case(16), long_case(32), 64)
"""The same in bytes."""
