"""Frames with a VLAN tag come off a real interface as they were on the wire."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim.live.live_namespace import Namespace, why_not
from ttpsim.live import wires
from ttpverif.frames.frame import Frame, Opcode

WHY_NOT = why_not()
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))
FOLDER = Path(wires.__file__).parent

# Prints each frame that the program's own wire receives.
READER = r"""
#include <cstdio>
#include <cstdlib>
#include <poll.h>
#include "wire.h"
int main(int, char **arguments) {
    FrameWire wire(std::atoi(arguments[1]));
    std::puts("ready");
    std::fflush(stdout);
    for (int left = std::atoi(arguments[2]); left;) {
        pollfd file = {wire.descriptor(), POLLIN, 0};
        poll(&file, 1, 10000);
        Bytes frame;
        if (!wire.receive(frame)) continue;
        if (frame.substr(12, 2) == "\x86\xdd") continue;        // the kernel's own, of IPv6
        for (unsigned char byte : frame) std::printf("%02x", byte);
        std::puts("");
        std::fflush(stdout);
        --left;
    }
}
"""
OPENS = """
import importlib, os, sys
wires = importlib.import_module(sys.argv[1])
file = wires.interface("two")
os.set_inheritable(file, True)
os.execv(sys.argv[2], [sys.argv[2], str(file), sys.argv[3]])
"""


def test_tags_are_put_back(tmp_path):
    source, program = tmp_path / "reader.cpp", tmp_path / "reader"
    source.write_text(READER)
    subprocess.run(
        ["g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", f"-I{FOLDER}", "-o", program, source],
        check=True,
    )
    ttp = Frame(1, 2, Opcode.ACK, 0, 0, 9).pack()
    other = ttp[:12] + b"\x08\x00" + bytes(50)
    frames = [
        data[:12] + tag + data[12:]
        for data in (ttp, other)
        for tag in (
            b"",
            b"\x81\x00\x20\x05",
            b"\x88\xa8\x00\x07",
            b"\x88\xa8\x00\x07\x81\x00\x00\x05",
            b"\x81\x00\x00\x00",
        )
    ]
    namespace = Namespace()
    try:
        namespace.ip("link add one type veth peer name two")
        for end in ("one", "two"):
            namespace.ip(f"link set {end} up")
        reader = subprocess.Popen(
            [
                *namespace.enter,
                sys.executable,
                "-c",
                OPENS,
                wires.__name__,
                program,
                str(len(frames)),
            ],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
        assert reader.stdout.readline() == "ready\n"
        sender = namespace.packet_socket("one")
        for frame in frames:
            sender.send(frame)
        sender.close()
        text, _ = reader.communicate(timeout=20)
    finally:
        namespace.close()
    assert text.split() == [frame.hex() for frame in frames]
