"""`ttpoe faults` in its short form: an upset or two of every memory, and that harm would be seen."""

import random
from pathlib import Path

import pytest

from tests.long import long
from ttpsim.build import builds
from ttpsim.faults import run as faults
from ttpsim.faults.program import states_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def binary():
    return faults.program("secded", builds.Processes())


@long
def test_every_memory_with_an_upset(binary):
    """Two upsets of each memory of engine a, one in each of b: all is as it must be."""
    found = states_of(binary)
    mine = {name: size for name, size in found.items() if name.startswith("engine_a.")}
    assert len(found) == 2 * len(mine) >= 54
    planned = faults.plan(mine, seed=1, upsets=1)
    results = faults.run(binary, 1, planned)
    assert len(results) == len(planned)
    assert faults.wrong(results, []) == []
    read = {result["memory"] for result in results if result["corrected"]}
    assert len(read) >= 5
    assert sum(result["corrected"] for result in results) > len(read)


@long
def test_two_wrong_bits_are_seen(binary, monkeypatch):
    """The bench is not blind: an upset of two bits of a word is counted as such, and does harm."""
    found = states_of(binary)
    rng = random.Random(3)
    planned = [
        {
            "number": number,
            "memory": "engine_a.replay_memory.payload_memory",
            "recent": 1,
            "clock": rng.randrange(faults.FIRST, faults.LAST),
            "choice": rng.getrandbits(32),
            "bit": rng.randrange(64),
        }
        for number in range(4)
    ]
    assert planned[0]["memory"] in found
    results = faults.run(binary, 3, planned, arguments=["--double"])
    assert any(result["uncorrectable"] for result in results)
    assert any(result["outcome"] == "wrong data" for result in results)
    said = faults.wrong(results, [])
    assert any("taken for two" in line for line in said) and any("byte" in line for line in said)


def _result(**changes):
    return {
        "number": 0,
        "memory": "engine_a.rx.x",
        "word": 1,
        "recent": 1,
        "bit": 2,
        "clock": 3,
        "passed": True,
        "corrected": 0,
        "uncorrectable": 0,
        "failure": "",
        "outcome": "",
    } | changes


@pytest.mark.parametrize(
    "protected, plain, words",
    [
        (_result(passed=False, failure="no progress"), _result(), "no progress"),
        (_result(uncorrectable=1), _result(), "two wrong bits"),
        (
            _result(),
            _result(outcome="wrong data"),
            "not counted, and without protection: wrong data",
        ),
    ],
)
def test_what_is_wrong_is_told(protected, plain, words):
    (said,) = faults.wrong([protected], [plain])
    assert words in said and "engine_a.rx.x word 1 bit 2 clock 3" in said


@pytest.mark.parametrize("other", [{"word": 4}, {"recent": 0}])
def test_upsets_of_different_words_are_not_compared(other):
    assert not faults.wrong([_result(**other)], [_result(outcome="wrong data")])


def test_harm_that_was_counted_is_right():
    assert not faults.wrong([_result(corrected=2)], [_result(outcome="stuck")])
    assert faults.outcome("clock 9: host a, VC 1: a wrong byte (packet 3)") == "wrong data"
    assert faults.outcome("free replay slots of a: 15, not 16") == "slot lost"
    assert faults.outcome("") == "" and faults.outcome("?") == "other"


def test_table():
    rows = faults.table(
        [_result(corrected=1), _result(memory="engine_b.rx.x")],
        [_result(outcome="stuck"), _result(memory="engine_b.rx.x")],
    )
    assert faults.markdown(rows).splitlines()[2:] == [
        "| `rx.x` | 2 | 1 | 0 | 2 | 1 |",
        "| all | 2 | 1 | 0 | 2 | 1 |",
    ]
    page = faults.PAGE.read_text()
    made = {"command": "ttpoe faults --save", "revision": "abc", "date": "today", "seeds": "7"}
    saved = faults.documented(page, rows, made, 12_345)
    assert saved != page and faults.markdown(rows) in saved
    assert "Made by `ttpoe faults --save`, revision abc, today; seed 7." in saved
    assert saved.split(faults.BEGIN)[0] == page.split(faults.BEGIN)[0]
    assert saved.split(faults.END)[1] == page.split(faults.END)[1]
