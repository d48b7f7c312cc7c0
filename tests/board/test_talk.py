"""`ttpoe board ecpix5 --talk /dev/pts/1` against a board in Python behind a pseudo-terminal."""

import io

import pytest

import ttpverif.cli as cli
from tests.board.fake_board import FakeBoard
from ttpoe.board.registers import BASE, MAGIC, board_registers
from ttpoe.config import preset
from ttpoe.csr.registers import register_map
from ttpsim.board import link as board_link
from ttpsim.board.link import BoardLink, Refused, opened
from ttpsim.board.messages import Messages
from ttpsim.board.talk import Talk
from ttpverif.cli.errors import Failed, UsageError

CLOCK = 50_000_000
APP = {"echo": 1, "traffic": 2, "bridge": 3}


class Model(FakeBoard):
    """With the registers of both maps; the traffic ends as soon as it begins: all came back."""

    def __init__(self, app="traffic", come_back=lambda sent: sent, **options):
        named = {r.name: r.address for r in board_registers(app, CLOCK)}
        ported = register_map(preset("default"), "rgmii").registers
        super().__init__(
            {r.address: r.reset for r in ported} | dict.fromkeys(named.values(), 0), **options
        )
        self.named, self.come_back = named, come_back
        self.set("BOARD_MAGIC", MAGIC)
        self.set("BOARD_APP", APP[app] | 1 << 8)
        self.set("BOARD_CLOCK", CLOCK)
        self.set("BOARD_LEDS", 0b1001)
        names = {r.name: r.address for r in ported}
        self.registers[names["COUNT_MAC_RX_GOOD"]] = 1234
        self.registers[names["PHY_STATUS"]] = 0b0000_1011
        self.registers[names["NODE"]] = 0x00C0DE

        self.fifo, self.full = [], 0

    def set(self, name, value):
        self.registers[self.named[name]] = value

    def _show_head(self):
        for name, word in zip(("HEAD", "DATA_LOW", "DATA_HIGH"), [*self.fifo[:1], (0, 0, 0)][0]):
            self.set(f"BRIDGE_{name}", word)

    def _bridge(self, name, value):
        """A beat that is sent comes back from node 7; so does one that is taken away vanish."""
        turns = self.registers[self.named["BRIDGE_TURNS"]]
        if name == "BRIDGE_PUSH" and value >> 9 & 1 != turns & 1:
            words = [self.registers[self.named[f"BRIDGE_{part}"]] for part in ("LOW", "HIGH")]
            self.fifo.append((value & 15 | (value >> 8 & 1) << 4 | 7 << 8, *words))
            self.set("BRIDGE_TURNS", turns ^ 1)
        elif name == "BRIDGE_POP" and value & 1 != turns >> 1:
            del self.fifo[0]
            self.set("BRIDGE_TURNS", turns ^ 2)
        self._show_head()

    def refuses(self, address, value):
        if address == self.named.get("BRIDGE_PUSH") and self.full:
            self.full -= 1
            return True
        return super().refuses(address, value)

    def wrote(self, address, value):
        super().wrote(address, value)
        name = next((name for name, at in self.named.items() if at == address), "")
        if name in ("BRIDGE_PUSH", "BRIDGE_POP"):
            self._bridge(name, value)
        if address == self.named.get("TRAFFIC_CONTROL") and value & 3 == 1:
            packets = self.registers[self.named["TRAFFIC_LIMIT"]]
            back = self.come_back(packets)
            shown = dict(SENT=packets, RECEIVED=back, BYTES=1000 * back, CLOCKS=500 * back)
            for name, number in shown.items():
                self.set(f"TRAFFIC_{name}", number)
            for name, number in dict(LEAST=100, MOST=300, SUM=200 * back).items():
                self.set(f"PING_{name}", number)


@pytest.fixture
def quick(monkeypatch):
    """No pauses that a test would notice."""
    monkeypatch.setattr(board_link, "PAUSE_SECONDS", 0.03)


def said_by(capsys, monkeypatch, *words):
    """(code, output, error) of `ttpoe board ...`."""
    from ttpsim.cli import board

    monkeypatch.setattr(cli, "commands", lambda only=None: {"board": board})
    monkeypatch.setattr(cli.checkout, "enter", lambda words: None)
    code = cli.main(["board", *map(str, words)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_what_it_tells_of_a_board(capsys, monkeypatch):
    with Model() as board:
        code, out, error = said_by(
            capsys, monkeypatch, "ecpix5", "--talk", board.device, "--ping", "2", "--count", "40"
        )
    assert (code, error) == (0, "")
    lines = dict(line.split(None, 1) for line in out.splitlines())
    assert lines["application"] == "traffic" and lines["clock"] == "50 MHz"
    assert lines["node"] == "00c0de" and lines["LEDs"] == "link, fault"
    assert lines["PHY"] == "link, 1000 Mb/s, full duplex" and lines["mac_rx_good"] == "1234"
    assert "40 packets" in lines["ping"]
    assert "2.00 us at least, 4.00 us on average, 6.00 us at most" in lines["ping"]
    assert "800.0 Mb/s" in lines["throughput"]  # 1000 bytes in 500 clocks of 20 ns


def test_no_peer_no_traffic(capsys, monkeypatch):
    with Model("echo") as board:
        code, out, _ = said_by(capsys, monkeypatch, "ecpix5", "--talk", board.device)
        assert code == 0 and "ping" not in out and "sent back" in out
        assert not board.writes
        words = ("ecpix5", "--talk", board.device, "--ping", "2")
        code, _, error = said_by(capsys, monkeypatch, *words)
    assert code == 2 and "the board's application is echo; --ping needs traffic" in error


def test_packets_that_do_not_come_back():
    with Model(come_back=lambda sent: sent - 1) as board, opened(board.device, 115_200) as port:
        with pytest.raises(Failed, match="39 of 40 packets came back from node 000002"):
            Talk(BoardLink(port), wait=0.3).ping(2, 40)


def test_packets_that_come_back_wrong():
    with Model(come_back=lambda sent: 3) as board, opened(board.device, 115_200) as port:
        talk = Talk(BoardLink(port), wait=5)
        board.set("TRAFFIC_ERROR", 3)
        board.set("TRAFFIC_ERROR_NUMBER", 3)
        with pytest.raises(Failed, match="packet 3 came back wrong: wrong data"):
            talk.throughput(2, 40)


FAULTS = {
    "a bit": lambda number, reply: bytes([reply[0] ^ 1]) + reply[1:] if number == 1 else reply,
    "cut short": lambda number, reply: reply[:-1] if number == 1 else reply,
    "nothing": lambda number, reply: b"" if number == 1 else reply,
    "C": lambda number, reply: b"C\xce" if number == 1 else reply,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_lost_is_asked_again(quick, fault):
    with Model(fault=FAULTS[fault]) as board, opened(board.device, 115_200, 0.2) as port:
        link = BoardLink(port)
        assert link.read_many([BASE, BASE + 8, BASE]) == [MAGIC, CLOCK, MAGIC]
        assert link.repeated == 1


@pytest.mark.parametrize("fault", [b"", b"rubbish of another baud rate"])
def test_a_board_that_does_not_answer(quick, fault):
    with Model(fault=lambda number, reply: fault) as board:
        with opened(board.device, 115_200, 0.1) as port:
            with pytest.raises(Failed, match="the board does not answer: .*baud rate"):
                BoardLink(port).read(BASE)


def test_a_register_that_is_not_there():
    with Model() as board, opened(board.device, 115_200) as port:
        with pytest.raises(Refused, match="refuses to read 0x7FFC"):
            BoardLink(port).read(0x7FFC)
        with pytest.raises(Refused, match="refuses to write 0x7FF8"):
            BoardLink(port).write(0x7FF8, 1)


def test_another_thing_behind_the_device():
    with Model() as board, opened(board.device, 115_200) as port:
        board.set("BOARD_MAGIC", 0)
        with pytest.raises(Failed, match="this is no board of this project: it says 0x00000000"):
            Talk(BoardLink(port))
        board.set("BOARD_MAGIC", MAGIC)
        board.set("BOARD_APP", 99 | 1 << 8)
        with pytest.raises(Failed, match="has another application"):
            Talk(BoardLink(port))


def test_a_device_that_is_not_there():
    with pytest.raises(UsageError, match="cannot open /dev/none at 115200 baud: ") as error:
        opened("/dev/none", 115_200)
    assert "\n" not in str(error.value)


def lost_replies(number, reply):
    """Every fifth reply is lost, so that its request is repeated."""
    return b"" if number % 5 == 4 else reply


@pytest.mark.parametrize("fault", [None, lost_replies])
def test_packets_through_the_uart(quick, fault):
    """Whole and once, also where a write is repeated because its reply was lost."""
    packets = [b"x", b"12345678", b"nine bytes and more", bytes(range(64))]
    with Model("bridge", fault=fault) as board, opened(board.device, 115_200, 0.05) as port:
        messages = Messages(Talk(BoardLink(port)), 2)
        for packet in packets:
            messages.send(packet)
        assert [messages.receive(5) for _ in packets] == [(7, packet) for packet in packets]
        assert messages.receive() is None
        assert board.registers[board.named["BRIDGE_NODE"]] == 2


def test_an_engine_that_takes_nothing():
    with Model("bridge") as board, opened(board.device, 115_200) as port:
        messages = Messages(Talk(BoardLink(port)), 2, wait=0.2)
        board.full = 3
        messages.send(b"late")
        assert messages.receive(1) == (7, b"late")
        board.full = 10**9
        with pytest.raises(Failed, match="the engine took nothing for 0.2 s"):
            messages.send(b"never")


def test_lines_of_the_input(capsys, monkeypatch):
    class Input:
        buffer = io.BytesIO(b"hello\n\nwhole world\r\n")

    monkeypatch.setattr("sys.stdin", Input)
    with Model("bridge") as board:
        words = ("ecpix5", "--talk", board.device, "--send", "2")
        code, out, _ = said_by(capsys, monkeypatch, *words)
    assert code == 0 and out == "000007 hello\n000007 whole world\n"


def test_sending_needs_the_bridge(capsys, monkeypatch):
    with Model("echo") as board:
        words = ("ecpix5", "--talk", board.device, "--send", "2")
        code, _, error = said_by(capsys, monkeypatch, *words)
    assert code == 2 and "the board's application is echo; --send needs bridge" in error


def test_the_window_of_requests(quick):
    """Never more under way than a board has room for."""
    addresses = [BASE, BASE + 4] * 20
    with Model() as board, opened(board.device, 115_200) as port:
        sent = []
        write = port.write
        port.write = lambda octets: (sent.append(octets), write(octets))
        assert len(BoardLink(port).read_many(addresses)) == 40
    assert max(map(len, sent)) == 4 * board_link.WINDOW
