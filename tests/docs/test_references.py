"""Whatever the project's pages, comments and docstrings refer to is there."""

import ast
import re

import pytest

from tests.docs.references import (
    GLOSSARY,
    NOT_REFERENCES,
    _messages,
    dangling,
    names,
    numbered,
    rules,
    sections,
    text_of,
)


def test_what_can_be_referred_to():
    assert sections() == {
        "1",
        "1.1",
        "1.2",
        "1.3",
        "2",
        "3",
        "4",
        "4.1",
        "5",
        "5.1",
        "5.2",
        "5.3",
        "5.4",
        "6",
        "7",
        "8",
        "9",
        "10",
        "10.1",
        "11",
    }
    assert {f"S{number}" for number in range(1, 16)} | {"L5", "R12", "C9", "Z3"} <= numbered()
    assert rules() == {str(number) for number in range(1, 11)}


@pytest.mark.parametrize("name", names())
def test_every_reference_leads_somewhere(name):
    bad = dangling(text_of(name), name)
    assert not bad, f"{name}: {'; '.join(bad)}"


@pytest.mark.parametrize(
    "text",
    [
        "Source: section 12.",
        "sections 1 to 15",
        "Sections 3, 5.9",
        "section\n# 4.2",
        "decision R40",
        "as in L99",
        "decision Q7",
        "(claim S16)",
        "design rules 2 and 11",
        "see docs/gone.md",
        "`sim/gone.py`",
        "gone_for_good.py",
        "rtl/ttpoe/nothing/",
        "`ttpoe.gone`",
        "`ttpverif.frame.Gone`",
        "    from ttpverif.scapy_ttp import TTP",
        "`make simm`",
        "`ttpoe ladders`",
        "`python -m website_of_old`",
        "    make bench PART=none    one part",
    ],
)
def test_a_dangling_reference_is_found(text):
    assert dangling(text), text


@pytest.mark.parametrize(
    "text",
    [
        "Source: sections 1, 7 and 8; decision F1, N1 to N3; design rule 4; claim S15.",
        "`csr/block.py`, docs/protocol/protocol.md, rtl/ttpoe/link, verif/ttpverif/*.py",
        "Q0 to Q3, a C11 header",
        "    from ttpverif.frames.scapy_ttp import TTP",
        "`make sim TEST=hello`",
        "    make bench     all parts",
    ],
)
def test_a_reference_that_is_there_is_none(text):
    assert not dangling(text), dangling(text)


def test_what_is_no_reference_is_still_said():
    everything = "\n".join(map(text_of, names()))
    for text in NOT_REFERENCES:
        assert text in everything, f"{text} stands nowhere: take it from NOT_REFERENCES"


def test_the_glossary_has_every_term_once():
    terms = [
        term
        for row in re.findall(r"^\| (\*\*.*?) \|", GLOSSARY.read_text(), re.MULTILINE)
        for term in re.findall(r"\*\*(.*?)\*\*", row)
    ]
    assert len(terms) > 60
    assert len(terms) == len(set(terms)), {term for term in terms if terms.count(term) > 1}
    for term in (
        "link",
        "tag",
        "slot",
        "beat",
        "replay",
        "retire",
        "keep",
        "walk",
        "visit",
        "victim",
        "epoch",
        "VC",
        "NACK",
        "window",
        "gap",
        "look-up",
        "ask",
        "purge",
        "tick",
        "round",
        "zero link",
    ):
        assert term in terms, term


def test_what_a_program_prints_is_looked_at():
    def printed(text):
        return dangling(_messages(ast.parse(text)))

    assert printed('raise E("no results: run `make simm` first")')
    assert printed('print(f"see docs/gone.md for {name}")')
    assert not printed('print("run `make sim`, see docs/index.md; sections 77")')
