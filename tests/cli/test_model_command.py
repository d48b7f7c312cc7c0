"""`ttpoe model`: what it prints, that its options do something, and that it can fail."""

import re

import pytest

import ttpverif.cli as cli
from ttpverif.frames.pcap import read_pcap
from ttpverif.model.conversation import Conversation


def model(capsys, *arguments):
    code = cli.main(["model", *map(str, arguments)])
    out, error = capsys.readouterr()
    assert error == ""
    return code, out


def number(out, what):
    return int(re.search(rf"([\d,]+) {what}", out)[1].replace(",", ""))


def test_without_loss_nothing_is_replayed(capsys):
    code, out = model(capsys, "--loss", 0, "--payloads", 50)
    assert code == 0 and "replays: 0 (1.00" in out
    assert "PASSED: 100 payloads arrived once, in order, byte for byte" in out
    assert "100 payloads of 256 bytes" in out and number(out, "lost") == 0


def test_loss_is_replayed_and_selective_replay_replays_less(capsys):
    replays = {}
    for option in ([], ["--gbn"]):
        code, out = model(capsys, "--loss", 5, "--payloads", 300, *option)
        assert code == 0 and number(out, "lost") > 10, out
        assert out.startswith("go-back-N" if option else "selective replay")
        replays[bool(option)] = int(re.search(r"replays: ([\d,]+)", out)[1].replace(",", ""))
    assert 10 < replays[False] < replays[True] / 4


def test_the_same_seed_is_the_same_run(capsys):
    def lines(seed):
        out = model(capsys, "--seed", seed, "--payloads", 100)[1]
        return re.sub(r"[\d.]+ s$", "", out, flags=re.MULTILINE)

    assert lines(5) == lines(5) != lines(6).replace("seed 6", "seed 5")


def test_every_fault_and_the_capture(tmp_path, capsys):
    path = tmp_path / "wire.pcap"
    code, out = model(
        capsys,
        "--loss",
        2,
        "--duplicate",
        5,
        "--reorder",
        5,
        "--corrupt",
        2,
        "--payloads",
        100,
        "--bytes",
        8,
        "--pcap",
        path,
    )
    assert code == 0
    for what in ("lost", "duplicated", "reordered", "corrupted"):
        assert number(out, what) > 0, out
    assert len(read_pcap(path)) == number(out, "pushed")
    assert cli.main(["ladder", str(path)]) == 0
    assert re.search(
        rf"^{number(out, 'pushed')} frames, 2 nodes, 1 link \(1 controlled\): [1-9]\d* replay",
        capsys.readouterr().out,
        re.MULTILINE,
    )


def test_a_payload_that_is_changed_fails(monkeypatch, capsys):
    """The models deliver, the summary checks: what a broken model would show."""
    from ttpverif.model.peer import Peer

    receive = Peer.receive

    def broken(self, *arguments, **options):
        outcome = receive(self, *arguments, **options)
        if self.delivered:
            source, vc, packet_id, data = self.delivered.pop()
            self.delivered.append((source, vc, packet_id, data[:-1] + b"?"))
        return outcome

    monkeypatch.setattr(Peer, "receive", broken)
    code, out = model(capsys, "--payloads", 20)
    assert code == 1 and "\nFAILED: " in out and "PASSED" not in out


def test_a_network_that_says_nothing_is_told():
    talk = Conversation(1, {"loss": 1.0}, 1, 8)
    assert "nothing arrived" in talk.run()


@pytest.mark.parametrize(
    "arguments, parts",
    [
        (["--loss", "91"], ["--loss", "0 to 90", "'91'"]),
        (["--loss", "few"], ["--loss", "'few'"]),
        (["--loss", "nan"], ["--loss", "'nan'"]),
        (["--payloads", "0"], ["--payloads", "from 1", "'0'"]),
        (["--bytes", "1025"], ["--bytes", "from 8 to 1024", "'1025'"]),
        (["--seed", "-1"], ["--seed"]),
        (["--payloads", "5", "--pcap", "/dev/null/x.pcap"], ["cannot write /dev/null/x.pcap"]),
        (["more"], ["more"]),
    ],
)
def test_bad_input_is_one_line(capsys, arguments, parts):
    assert cli.main(["model", *arguments]) == 2
    out, error = capsys.readouterr()
    assert out == "" and error.count("\n") == 1 and error.startswith("ttpoe")
    for part in parts:
        assert part in error
