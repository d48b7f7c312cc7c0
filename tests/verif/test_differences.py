"""docs/protocol/differences.md says what the captures scenario checks."""

from pathlib import Path

from ttpverif.captures.captures import load_all
from ttpverif.captures.differences import expected_differences, page
from ttpverif.captures.on_model import replay_on_model

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_up_to_date():
    replays = [
        replay_on_model(capture, role)[0]
        for capture in load_all(ROOT / "tests/data/pcap").values()
        for role in "AB"
    ]
    assert (ROOT / "docs/protocol/differences.md").read_text() == page(
        len(expected_differences(replays))
    )
