"""Every measured number of a page is written by the machine: none stands in its text by hand.

A number with a unit of something that can be measured is found wherever it is not in a generated
part. What is a setting, follows by arithmetic, or is cited is named here with its reason.
"""

import re

import pytest

from tests.docs.pages import ROOT
from ttpsim.bench import readme

EVIDENCE = ROOT / "docs" / "evidence"
HISTORY = EVIDENCE / "log.md"  # notes of their day
MADE = EVIDENCE / "performance.md"  # all of it, by ttpsim.pages.performance
PAGES = [
    ROOT / "README.md",
    ROOT / "docs" / "guides" / "boards.md",
    *sorted(set(EVIDENCE.glob("*.md")) - {HISTORY, MADE}),
]

_UNITS = (
    "MHz|GHz|Gb/s|Mb/s|ns|us|µs|ms|s|seconds?|minutes?|hours?|%|LUT4|LUTs?|flip-flops|block RAMs|KB|MB|GB|"
    "engine-clocks|clocks/s|[a-z-]+ (?:per|a) second|times as|of 100|frames|packets|replays|drops|"
    "upsets|mutants|proofs|tests"
)
_NUMBER = r"\d[\d,]*(?:\.\d+)?"
_FIGURE = re.compile(
    rf"(?<![\w.^#-]){_NUMBER}(?:(?:,| to| and| or) {_NUMBER})?[ -](?:{_UNITS})(?![\w/])"
    r"|(?<![\w:.])\d+:\d\d(?![\w:])"
)
_MADE = re.compile(
    r"<!-- (?:part|table|results|from)\b[^>]*-->\n.*?<!-- end[^>]*-->"
    rf"|{re.escape(readme.BEGIN)}\n.*?{re.escape(readme.END)}",
    re.DOTALL,
)
_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`|\]\([^)\s]*\)", re.DOTALL | re.MULTILINE)

SETTING, ARITHMETIC, CITED = "a setting", "follows by arithmetic", "cited"
ALLOWED = {
    "README.md": {SETTING: ["1 KB"]},
    "boards.md": {
        SETTING: ["50 ms", "15 ms", "0.1 s", "10 %", "5 %", "125 MHz"],
        ARITHMETIC: ["15.625 MHz"],
    },
    "congestion.md": {SETTING: ["95 of 100", "64 KB"], CITED: ["375 ms"]},
    "fabric.md": {SETTING: ["1 KB", "64 KB", "90, 99 of 100", "32 packets"], ARITHMETIC: ["50 %"]},
    "faults.md": {SETTING: ["10 %", "6 upsets"]},
    "formal.md": {SETTING: ["16 packets"]},
    "goodput.md": {SETTING: ["100 Gb/s", "125 MHz", "80 us", "10 %"], ARITHMETIC: ["100 %"]},
    "ns3.md": {
        SETTING: [
            *("64 KB", "16 KB", "128 KB", "1 MB", "125 MHz", "8 Gb/s", "2 packets"),
            *("200 µs", "200 ms", "1 s", "1 µs", "1 ms", "3 s", "10 ms"),
            *("3 %", "20 %", "10 frames"),  # what a test allows
        ],
        ARITHMETIC: ["94.1 %", "96.1 %", "1.1 %", "256 ns", "65 µs"],
    },
    "packet.md": {SETTING: ["2 %", "5 %", "5 frames"], ARITHMETIC: ["7,353 packets"]},
    "random.md": {SETTING: ["0 to 30 %", "97 %", "3 %", "1,000 packets"]},
    "soak.md": {SETTING: ["30 %", "5 %", "64 frames", "65,536 frames"]},
    "synthesis.md": {
        SETTING: ["125 MHz", "2 %", "1 Gb/s", "10 Gb/s", "10 and 100 Mb/s"],
        ARITHMETIC: ["7.4 ns", "15.6 MHz", "156.25 MHz", "78.2 MHz", "64 block RAMs"],
        CITED: ["4.25 ns", "1.41 ns", "208 block RAMs"],
    },
}
"""Page -> reason -> the numbers that may stand in its text."""


def by_hand(text):
    """The numbers with a unit that stand in a page's own text."""
    text = _CODE.sub("", _MADE.sub("", text))
    return [match[0] for match in _FIGURE.finditer(text)]


def allowed(page):
    """Those that the page may have."""
    return {text for texts in ALLOWED.get(page.name, {}).values() for text in texts}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_measured_number_is_typed_by_hand(page):
    found = [text for text in by_hand(page.read_text()) if text not in allowed(page)]
    assert not found, (
        f"{page.name}: {', '.join(found)}: write it by a part (sim/ttpsim/pages/parts.py), or name "
        "it in ALLOWED if nothing measures it"
    )


def test_what_may_stand_there_stands_there():
    for page in PAGES:
        unused = allowed(page) - set(by_hand(page.read_text()))
        assert not unused, f"{page.name} no longer has {', '.join(sorted(unused))}"
    assert ALLOWED.keys() <= {page.name for page in PAGES}


@pytest.mark.parametrize(
    "text",
    [
        *(
            "139.3 MHz",
            "7,295 LUT4",
            "128 block RAMs",
            "580 ns",
            "1.6 ms",
            "0.29 s",
            "38 %",
            "39 KB",
        ),
        *(
            "27 to 47 us",
            "1,180,000 engine-clocks",
            "19,000 clocks per second",
            "88 of 100",
            "1:02",
        ),
        *("3.4 times as", "1,379 frames", "20 seconds"),
    ],
)
def test_a_number_in_the_text_is_found(text):
    said = f"Here it is: {text} fast.\n"
    assert by_hand(said) == [text]
    assert by_hand(f"<!-- part: goodput -->\n{said}<!-- end of part -->\n") == []
    assert by_hand(f"{readme.BEGIN}\n{said}{readme.END}\n") == []
    assert by_hand(f"```sh\n{said}```\nuse `{text} fast`\n") == []


def test_what_is_no_number_with_a_unit_is_not_found():
    assert not by_hand("64-bit words, 10^9 clocks, section 5.3, S15, 2026-11-30, 1024 bytes, K4")
