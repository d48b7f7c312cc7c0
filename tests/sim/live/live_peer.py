"""The other end of the wire, in Scapy: over TCP with QEMU's framing, or over a packet socket."""

import socket
import time

from scapy.layers.l2 import Ether

from ttpverif.frames.scapy_ttp import OPCODES, TTP, ttp_frame

SECONDS = 240  # for what must come; a busy machine is slow


class Peer:
    """Sends and receives Ethernet frames; `receive` gives parsed ones."""

    def __init__(self, sock):
        self.sock = sock

    def put(self, raw):
        self.sock.sendall(raw)

    def get(self, seconds):
        """The bytes of the next frame, None if none comes."""
        self.sock.settimeout(max(0.001, seconds))
        try:
            return self.sock.recv(65536)
        except TimeoutError:
            return None

    def send(self, src, dst, opcode, payload=b"", **fields):
        """A TTP frame."""
        self.put(bytes(ttp_frame(src, dst, opcode, payload, **fields)))

    def receive(self, wanted=lambda frame: TTP in frame, seconds=SECONDS):
        """The next frame for which `wanted` is true."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            raw = self.get(left)
            if raw is not None and wanted(frame := Ether(raw)):
                return frame
        raise AssertionError("no such frame came")

    def expect(self, opcode, **fields):
        """The next TTP frame, which must have these values; every field is compared by name."""
        frame = self.receive()
        found = {name: getattr(frame[TTP], name) for name in fields}
        assert (frame.sprintf("%TTP.opcode%"), found) == (opcode, fields), frame.summary()
        return frame

    def until(self, opcode, **fields):
        """The next TTP frame with these values; others, replays for one, are passed over."""
        wanted = {"opcode": list(OPCODES.values()).index(opcode), **fields}
        return self.receive(
            lambda frame: (
                TTP in frame
                and all(getattr(frame[TTP], name) == value for name, value in wanted.items())
            )
        )

    def silent(self, seconds):
        """No TTP frame comes."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            raw = self.get(left)
            assert raw is None or TTP not in Ether(raw), Ether(raw).summary()


class QemuPeer(Peer):
    """As QEMU's `-netdev socket` does: each frame behind its length, 4 bytes, big-endian."""

    def __init__(self, sock):
        super().__init__(sock)
        self._read = b""

    def put(self, raw):
        self.sock.sendall(len(raw).to_bytes(4, "big") + raw)

    def get(self, seconds):
        deadline = time.monotonic() + seconds
        while True:
            size = int.from_bytes(self._read[:4], "big")
            if len(self._read) >= 4 and len(self._read) >= 4 + size:
                frame, self._read = self._read[4 : 4 + size], self._read[4 + size :]
                return frame
            self.sock.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                more = self.sock.recv(65536)
            except TimeoutError:
                return None
            assert more, "the connection was closed"
            self._read += more


def wait_for(condition, seconds, story):
    """Poll `condition` until it is true; fails with `story()`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, story()
        time.sleep(0.02)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def payload_of(frame):
    """The NOC bytes of a PAYLOAD."""
    return bytes(frame[TTP].payload)[: frame["TSH"].length - 26]
