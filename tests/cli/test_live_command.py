"""`ttpoe echo` and `ttpoe ping`: bad input of every option is one line, and starts nothing."""

import os
import socket

import pytest

import ttpverif.cli as cli
from ttpsim.live import attach

ECHO = ["echo", "--listen", "5555"]
PING = ["ping", "1", "--listen", "5555"]


@pytest.mark.parametrize(
    "arguments, parts",
    [
        (["echo"], ["one of the arguments", "--tap", "--interface", "--listen", "--connect"]),
        ([*ECHO, "--tap", "t0"], ["--tap", "not allowed with"]),
        (["echo", "--tap", "a-name-that-is-too-long"], ["--tap", "1 to 15 characters"]),
        (["echo", "--tap", "a/b"], ["--tap", "'a/b'"]),
        (["echo", "--interface", ""], ["--interface", "1 to 15 characters"]),
        (["echo", "--listen", "0"], ["--listen", "from 1 to 65535", "'0'"]),
        (["echo", "--listen", "localhost:http"], ["--listen", "'localhost:http'"]),
        (["echo", "--connect", "host:70000"], ["--connect", "'host:70000'"]),
        ([*ECHO, "--bridge", "br0"], ["--bridge goes with --tap", "ip link set"]),
        ([*ECHO, "--bridge", "b r"], ["--bridge", "'b r'"]),
        ([*ECHO, "--os", "x:y"], ["--os", "'x:y'"]),
        (["echo", "--tap", "t0", "--os", "t0"], ["must be two interfaces", "t0"]),
        ([*ECHO, "--node", "0"], ["--node", "hexadecimal", "'0'"]),
        ([*ECHO, "--node", "1000000"], ["--node", "'1000000'"]),
        ([*ECHO, "--node", "aa:bb:cc:00:00:01"], ["--node", "98:ed:5c:xx:xx:xx"]),
        ([*ECHO, "--preset", "huge"], ["--preset", "tiny", "default", "full"]),
        ([*ECHO, "--ethertype", "0x0800"], ["--ethertype", "0x0AC6 or 0x9AC6"]),
        ([*ECHO, "--loss", "91"], ["--loss", "from 0 to 90", "'91'"]),
        ([*ECHO, "--loss", "nan"], ["--loss", "'nan'"]),
        ([*ECHO, "--timeout", "1"], ["--timeout", "from 10", "'1'"]),
        ([*ECHO, "--retries", "1001"], ["--retries", "from 0 to 1000"]),
        ([*ECHO, "--idle-clock", "fast"], ["--idle-clock", "'fast'"]),
        ([*ECHO, "--seed", "-1"], ["--seed", "'-1'"]),
        ([*ECHO, "--count", "3"], ["--count"]),
        (["ping", "--listen", "5555"], ["NODE"]),
        (["ping", "node", "--listen", "5555"], ["NODE", "'node'"]),
        ([*PING, "--node", "98:ed:5c:00:00:01"], ["000001 is this NIC itself", "--node"]),
        ([*PING, "--count", "0"], ["--count", "'0'"]),
        ([*PING, "--bytes", "1025"], ["--bytes", "from 4 to 1024"]),
        ([*PING, "--bytes", "3"], ["--bytes", "from 4 to 1024"]),
        ([*PING, "--vc", "3"], ["--vc", "from 0 to 2"]),
        ([*PING, "--interval", "-1"], ["--interval", "'-1'"]),
        ([*PING, "--wait", "0"], ["--wait", "from 0.1"]),
        (["echo", "--peer", "switch"], ["--peer", "module"]),
        ([*ECHO, "--peer", "module"], ["--peer", "not allowed with"]),
        (["ping", "1", "--peer", "module", "--bytes", "1009"], ["at most 1008 bytes", "1009"]),
    ],
)
def test_bad_input_is_one_line(capsys, monkeypatch, arguments, parts):
    monkeypatch.setattr(attach, "main", lambda *_: pytest.fail("it was not refused"))
    assert cli.main(arguments) == 2
    out, error = capsys.readouterr()
    assert out == "" and error.count("\n") == 1 and error.startswith("ttpoe")
    for part in parts:
        assert part in error


@pytest.mark.parametrize("option, name", [("--tap", "ttpoe-t"), ("--interface", "lo")])
def test_without_root(monkeypatch, capsys, option, name):
    """As another user who has no rights: the effective ID, and what the kernel would say."""
    from ttpsim.live import wires

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(wires.socket, "socket", lambda *_: (_ for _ in ()).throw(PermissionError()))
    assert cli.main(["echo", option, name]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and name in error and "start it with sudo" in error


def test_wires_that_cannot_be(capsys, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert cli.main(["echo", "--listen", str(port)]) == 2
        assert "already in use" in capsys.readouterr().err
    assert cli.main(["echo", "--connect", f"127.0.0.1:{port}"]) == 2
    error = capsys.readouterr().err
    assert "Connection refused" in error and "--listen" in error and error.count("\n") == 1
    assert cli.main(["echo", "--listen", str(port), "--pcap", str(tmp_path)]) == 2
    assert f"cannot write {tmp_path}" in capsys.readouterr().err
