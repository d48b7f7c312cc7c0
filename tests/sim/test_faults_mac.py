"""`ttpoe faults --macs` in a short form: nothing is left out, the bench is not blind, and it adds up."""

import re

import pytest

from ttpsim.build import builds
from ttpsim.faults import mac
from ttpsim.faults.program import states_of

DATA = "mac.tx_crossing.fifo.storage"


@pytest.fixture(scope="module")
def binary():
    return mac.program("gmii", builds.Processes())


def upsets(names, bit=0, each=4):
    return [
        {
            "number": number,
            "name": name,
            "bit": bit,
            "frame": 8 + number % each,
            "delay": 5 * (number % each),
            "recent": 1,
            "choice": 12345,
        }
        for number, name in enumerate(name for name in names for _ in range(each))
    ]


@pytest.mark.parametrize("kind", mac.MACS)
def test_every_register_and_memory_is_open(kind):
    """Whatever is written at an edge can turn over, and nothing else."""
    text = mac.mac_verilog(kind)
    for module in re.findall(r"(?ms)^module .*?^endmodule", text):
        lines = [line for line in module.splitlines() if "<= " in line and "assign" not in line]
        names = (re.match(r"\s*(?:if \(.*\) |else )*(\\\S+|\w+)[^<]*<= ", line) for line in lines)
        written = {found[1] for found in names if found}
        opened = set(re.findall(r"^\s*reg (?:\[\d+:0\] )?(\S+) .*public_flat_rw", module, re.M))
        assert opened == written


def test_upsets_are_found_and_over(binary):
    """Of the data to be sent: wrong, once. Of a CRC: lost and counted. All is well after a reset."""
    sizes = states_of(binary)
    assert sizes[DATA] == (16, 74) and sizes["mac.rx.crc.crc_reg"] == (1, 32)
    planned = upsets([DATA, "mac.rx.crc.crc_reg"], bit=3)
    results = mac.run(binary, 1, planned)
    assert [result["clean"] for result in results] == [1] * len(planned)
    data, crc = results[:4], results[4:]
    assert [result["outcome"] for result in data].count("wrong data") >= 3
    assert all(result["wrong"] <= 1 and result["frames"] <= 1 for result in data)
    assert {result["outcome"] for result in crc} <= {"lost, counted", "nothing"}
    assert any(result["missing"] == result["bad"] == result["lost"] == 1 for result in crc)
    rows = mac.table("gmii", results, sizes)
    assert [(row["block"], row["what"], row["upsets"]) for row in rows] == [
        ("rx", "registers", 4),
        ("tx_crossing", "memory", 4),
    ]
    assert mac.wrong("gmii", results) == []


def test_a_plan_has_memories_and_registers():
    sizes = {"mac.a.x": (1, 500), "mac.a.y": (1, 1), "mac.b.memory": (16, 74)}
    planned = mac.plan(sizes, seed=3, upsets=400)
    assert planned == mac.plan(sizes, seed=3, upsets=400) != mac.plan(sizes, seed=4, upsets=400)
    names = [upset["name"] for upset in planned]
    assert names.count("mac.b.memory") == 200 and names.count("mac.a.x") > 190
    assert all(upset["bit"] < sizes[upset["name"]][1] for upset in planned)


GOOD = {"wrong": 0, "doubled": 0, "missing": 0, "bad": 0, "last": -1, "lost": 0, "at": 9}
GOOD |= {"good": mac.FRAMES, "sent": mac.FRAMES, "clean": 1}


@pytest.mark.parametrize(
    "changes, outcome",
    [
        ({}, "nothing"),
        ({"sent": mac.FRAMES - 1}, "miscounted"),
        ({"good": mac.FRAMES + 1}, "miscounted"),
        ({"missing": 1, "last": 9, "lost": 1}, "lost, counted"),
        ({"missing": 2, "last": 9, "lost": 1}, "lost, not counted"),
        ({"doubled": 1, "last": 9}, "doubled"),
        ({"wrong": 1, "missing": 1, "last": 9, "lost": 0}, "wrong data"),
        ({"missing": 20, "last": mac.FRAMES - 1, "lost": 20}, "until reset"),
    ],
)
def test_what_frames_say(changes, outcome):
    assert mac._outcome(GOOD | changes) == outcome


def test_what_must_not_be():
    place = {"number": 1, "name": "mac.rx_nibbles.o_data", "word": 0, "bit": 2}
    assert mac.wrong("gmii", [GOOD | place]) == []
    (line,) = mac.wrong("gmii", [GOOD | place | {"wrong": 1}])
    assert "in spite of the FCS" in line
    (line,) = mac.wrong("gmii", [GOOD | place | {"clean": 0}])
    assert "behind a reset" in line
