"""The ladder as text and as a page: what a reader of either gets to see."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ttpverif.cli import main
from ttpverif.frames.frame import Frame, Opcode
from ttpverif.ladder.analysis import analyse
from ttpverif.ladder.capture import Packet, read_capture
from ttpverif.ladder.decode import decode
from ttpverif.ladder.page import page, page_data
from ttpverif.ladder.terminal import draw

CAPTURES = Path(__file__).parent.parent / "data" / "pcap"
VERIF = Path(__file__).parents[2] / "verif"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def load(name):
    return analyse([r for r in map(decode, read_capture(CAPTURES / name).packets) if r])


def many(count, nodes=2):
    """`count` PAYLOADs and ACKs between the nodes in turn; some are replayed."""
    records = []
    while len(records) < count:
        number = len(records) + 1
        src = number // 2 % nodes + 1
        dst = src % nodes + 1
        for opcode, ends in (("PAYLOAD", (src, dst)), ("PAYLOAD", (src, dst)), ("ACK", (dst, src)))[
            number % 7 != 0 :
        ]:
            raw = Frame(
                *ends,
                Opcode[opcode],
                2,
                number,
                number,
                payload=b"x" * 40 if opcode == "PAYLOAD" else b"",
            ).pack()
            records.append(decode(Packet(len(records) + 1, len(records) * 900, raw, len(raw))))
    return analyse(records[:count])


class Pipe(io.StringIO):
    encoding = "utf-8"


class Terminal(Pipe):
    def isatty(self):
        return True


def text_of(analysis, stream=None):
    stream = stream or Pipe()
    draw(analysis, analysis.events, stream)
    return stream.getvalue()


GOLDEN = """\
 frame      time/ms 000001                                                 000002
     4   320.868352    |<----------------------------------- ACK vc0 rx 0x2 --|
     5   324.440576    |-- PAYLOAD vc0 tx 0x3 11 B -------------------------->|
     6   324.723712    |   x-------------------------------- ACK vc0 rx 0x3 --|    lost
     7   714.921472    |== PAYLOAD vc0 tx 0x3 11 B ==========================>|    duplicate of 5
     8   715.446528    |<----------------------------------- ACK vc0 rx 0x3 --|    again
"""


def test_plain_text_without_unicode():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    draw(load("09_ack_lost.pcap"), load("09_ack_lost.pcap").events[3:8], stream)
    stream.flush()
    assert stream.buffer.getvalue().decode() == GOLDEN


def test_piped_text_is_plain_and_fits_100_columns():
    for analysis in (load("08_payload_lost.pcap"), many(200, nodes=4), many(300, nodes=30)):
        lines = text_of(analysis).splitlines()
        assert len(lines) == len(analysis.events) + 1
        assert max(map(len, lines)) <= 100 and not any("\x1b" in line for line in lines)


def test_a_terminal_gets_colour_unless_it_asks_for_none(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = text_of(load("08_payload_lost.pcap"), Terminal())
    assert "\x1b[31m" in coloured
    plain = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    monkeypatch.setenv("NO_COLOR", "1")
    without = text_of(load("08_payload_lost.pcap"), Terminal())
    assert [line.rstrip() for line in plain.splitlines()] == without.splitlines()


def test_a_column_per_node_and_names_where_columns_do_not_fit():
    head, first, *_ = text_of(many(20, nodes=3)).splitlines()
    columns = [head.index(node) + 3 for node in ("000001", "000002", "000003")]
    assert columns == sorted(columns) == [i for i, sign in enumerate(first) if sign == "│"]
    crowd = text_of(many(60, nodes=20))
    assert "000001 ─▶ 000002  PAYLOAD" in crowd


def embedded(text):
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S).group(1)
    )


def test_the_page_carries_every_frame_and_what_was_found():
    analysis = load("09_ack_lost.pcap")
    data = embedded(page(analysis, analysis.events, "title", ["note"]))
    assert data == json.loads(json.dumps(page_data(analysis, analysis.events)))
    assert data["nodes"] == ["000001", "000002"] and data["links"] == ["000001-000002 vc 0"]
    seven = data["frames"][6]
    assert (seven["n"], seven["op"], seven["tx"], seven["of"], seven["answered"]) == (
        7,
        "PAYLOAD",
        3,
        5,
        8,
    )
    assert list(seven["marks"]) == ["duplicate"] and seven["len"] == 11
    assert seven["hex"] == read_capture(CAPTURES / "09_ack_lost.pcap").packets[6].data.hex()
    for event, frame in zip(analysis.events, data["frames"]):
        for layer, name, offset, length, value in event.record.fields():
            bits = next(
                f for f in data["fields"]["ethernet"] if f[:4] == [layer, name, offset, length]
            )[4]
            cut = int(frame["hex"][2 * offset : 2 * (offset + length)], 16)
            assert value == (cut if bits is None else cut >> bits[0] & (1 << bits[1]) - 1)


def test_the_page_needs_nothing_else_and_no_name_breaks_out():
    analysis = load("08_payload_lost.pcap")
    analysis.events[4].marks["lost"] = "</script><b>"
    text = page(analysis, analysis.events, "<img src=x>", ["<script>alert(1)</script>"])
    assert text.count("<script") == 2 and text.count("</script>") == 2
    assert "<img" not in text and "@@" not in text
    assert embedded(text)["frames"][4]["marks"]["lost"] == "</script><b>"
    urls = set(re.findall(r"(?:https?:)?//[\w.]+/[^\s\"']*|@import|url\(", text))
    assert urls <= {"http://www.w3.org/2000/svg"}


def chromium(tmp_path, text, check=""):
    """The page's DOM after its script, and `check`, have run."""
    path = tmp_path / "page.html"
    path.write_text(text.replace("</body>", f"<script>{check}</script></body>"))
    result = subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--window-size=1300,800",
            "--virtual-time-budget=3000",
            "--dump-dom",
            f"file://{path}",
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    return result.stdout


needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium"
)

CHECK = """
const said = [], byId = id => document.getElementById(id);
const frames = () => [...document.querySelectorAll("#ladder .frame line")]
  .map(line => line.parentNode);
const say = (name, value) => said.push([name, value]);
addEventListener("error", event => say("error", event.message));
say("count", byId("count").textContent);
say("drawn", frames().length);
frames()[1].dispatchEvent(new MouseEvent("click", {bubbles: true}));
say("details", byId("details").textContent);
const press = (row, word) => [...byId(row).querySelectorAll("button")]
  .find(button => button.textContent.startsWith(word)).click();
press("marks", "replay");
say("replays", byId("count").textContent);
press("marks", "replay");
press("opcodes", "ACK");
say("no acks", byId("count").textContent);
press("opcodes", "ACK");
byId("link").value = "1";
byId("link").dispatchEvent(new Event("change"));
say("link", byId("count").textContent);
byId("link").value = "all";
byId("link").dispatchEvent(new Event("change"));
byId("out").click();
say("zoomed out", frames().length);
byId("mode").value = "time";
byId("mode").dispatchEvent(new Event("change"));
say("by time", frames().length);
byId("theme").click();
const result = document.createElement("pre");
result.id = "result";
result.textContent = JSON.stringify(said);
document.body.append(result);
"""


@needs_chromium
def test_the_page_in_chromium(tmp_path):
    analysis = many(5000, nodes=3)
    dom = chromium(tmp_path, page(analysis, analysis.events, "t", []), CHECK)
    said = dict(
        json.loads(
            re.search(r'<pre id="result">(.*?)</pre>', dom, re.S)
            .group(1)
            .replace("&gt;", ">")
            .replace("&amp;", "&")
        )
    )
    replays = analysis.counts()["replay"]
    acks = sum(event.record.opcode == Opcode.ACK for event in analysis.events)
    second = sorted(analysis.links)[1]
    assert "error" not in said
    assert said["count"] == "5000 of 5000 frames shown"
    assert 12 < said["drawn"] < 60 < said["by time"]
    assert said["zoomed out"] > said["drawn"]
    assert "Frame 2: ACK" in said["details"] and "RxID" in said["details"]
    assert said["replays"] == f"{replays} of 5000 frames shown"
    assert said["no acks"] == f"{5000 - acks} of 5000 frames shown"
    assert said["link"] == f"{analysis.links[second]['frames']} of 5000 frames shown"


def test_the_command_writes_either(tmp_path, capsys):
    name = str(CAPTURES / "08_payload_lost.pcap")
    assert main(["ladder", name, "--limit", "6", "--link", "2:0"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 8
    assert out[-1] == (
        "6 shown of 12 frames, 2 nodes, 1 link: 2 replay, 2 lost; PAYLOADs lost: about 2 (estimate)"
    )
    path = tmp_path / "page.html"
    assert main(["ladder", name, "-o", str(path), "--limit", "6"]) == 0
    assert len(embedded(path.read_text())["frames"]) == 6
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]
    assert capsys.readouterr().out.startswith(f"{path}: 6 shown of 12 frames")


def test_output_into_a_pipe_that_closes():
    command = f"{sys.executable} -m ttpverif.cli ladder {CAPTURES}/04_burst_40_stop_and_wait.pcap"
    result = subprocess.run(
        ["sh", "-c", command + " | head -n 1"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(VERIF)},
    )
    assert result.stdout.startswith(" frame") and result.stderr == ""
