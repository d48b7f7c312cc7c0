"""`LiveNic`: the native program as an object: packets, commands and notices; `host.h` is its peer."""

import collections
import dataclasses
import os
import select
import socket
import struct
import subprocess
import time

from ttpverif.check.trace import NOTICES

__all__ = ["LiveNic", "Message", "NicEnded"]

_HEADER = struct.Struct("<BBHIIQ")  # `struct Header` of host.h
_SEND, _OPEN, _CLOSE, _ASK, _ETHERTYPE = 1, 2, 3, 4, 5
_KINDS = {1: "received", 2: "taken", 3: "notice", 4: "statistics", 5: "ready", 6: "wire"}
_FRAMINGS = ("frames", "stream", "listen")


class NicEnded(Exception):
    """The program is gone, though nobody told it to."""


@dataclasses.dataclass(frozen=True)
class Message:
    """What the NIC told its host.

    `kind` is `received` (`data` from `node` on `vc`, with `id`), `taken` (the first beat of the
    `id`-th packet for `vc`, counted from 0, has entered the NIC), `notice` (`text` is its name),
    `wire` (`text` says what happened to it; `code` 1: it is gone for good), `ready` or
    `statistics`. `clock` is the NIC's clock of the event.
    """

    kind: str
    vc: int
    node: int
    id: int
    clock: int
    code: int
    data: bytes

    @property
    def text(self):
        return NOTICES[self.code] if self.kind == "notice" else self.data.decode()


class LiveNic:
    """A simulated NIC that runs.

    Parameters
    ----------
    program : Path
        From `live.build.program`.
    wire : int
        File descriptor of the wire; the program gets a copy.
    framing : str
        `frames`: a read is a frame. `stream`: a TCP connection with QEMU's framing. `listen`: a
        socket that listens for such connections.
    config : ttpoe.config.Config
        Of the program.
    node : int
    round_clocks : int
        A round of the link timer.
    idle_clock : int
        Clocks per second while nothing moves.
    loss : float
        Share of the frames, each way, that the wire loses.
    os_file : int or None
        File descriptor of the operating system's side of the NIC.
    """

    def __init__(
        self,
        program,
        wire,
        framing,
        config,
        node,
        *,
        ieee=False,
        selective=True,
        retries=10,
        seed=1,
        round_clocks=20_000,
        idle_clock=50_000,
        loss=0.0,
        capture=None,
        os_file=None,
    ):
        self._host, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._host.setblocking(False)
        self._unsent = collections.deque()
        options = {
            "host": theirs.fileno(),
            "wire": wire,
            "framing": _FRAMINGS.index(framing),
            "os": os_file or 0,
            "node": node,
            "ieee": int(ieee),
            "selective": int(selective),
            "seed": seed & 0xFFFFFFFF,
            "tick": min(max(2, round_clocks // config.links), 2**24 - 1),
            "retries": retries,
            "link-slots": config.slots * 3 // 4,
            "idle-clock": idle_clock,
            "loss": round(loss * 1_000_000),
            "loss-seed": seed,
            **({"capture": capture} if capture else {}),
        }
        files = [theirs.fileno(), wire, *([os_file] if os_file else [])]
        self.process = subprocess.Popen(
            [program, *(f"--{name}={value}" for name, value in options.items())],
            pass_fds=files,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        theirs.close()

    def send(self, node, data, vc=2):
        """Hand over a packet. It is kept here until the NIC takes it: see `waiting`."""
        self._put(_SEND, vc, node, data)

    def open(self, node, vc=2):
        """Open a link; a packet does so by itself."""
        self._put(_OPEN, vc, node)

    def close(self, node, vc=2):
        """Close a link."""
        self._put(_CLOSE, vc, node)

    def use_ethertype(self, ethertype):
        """Of the links that it opens from now on."""
        self._put(_ETHERTYPE, 0, 0, code=int(ethertype == 0x9AC6))

    @property
    def waiting(self):
        """Packets and commands that the program has not taken yet."""
        return len(self._unsent)

    def receive(self, timeout):
        """The next `Message`, or None after `timeout` seconds; `NicEnded` if it is gone."""
        deadline = time.monotonic() + timeout
        while True:
            self._flush()
            try:
                raw = self._host.recv(65536)
            except BlockingIOError:
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                select.select([self._host], [self._host] if self._unsent else [], [], left)
                continue
            except ConnectionError:
                raw = b""
            if not raw:
                raise NicEnded(f"the simulated NIC has ended (exit code {self.process.wait()})")
            kind, vc, code, node, id_, clock = _HEADER.unpack_from(raw)
            return Message(_KINDS[kind], vc, node, id_, clock, code, raw[_HEADER.size :])

    def drain(self, limit):
        """Wait until no more than `limit` packets wait; nothing is received meanwhile."""
        while self.waiting > limit:
            select.select([], [self._host], [])
            self._flush()

    def statistics(self, timeout=60.0):
        """`({name: count}, [messages that came before the answer])`, the last thing that is asked.

        The NIC answers when what it counted has left it, and stands still from then on: counts,
        capture and wire agree.
        """
        self._put(_ASK, 0, 0)
        earlier, deadline = [], time.monotonic() + timeout
        while True:
            message = self.receive(deadline - time.monotonic())
            if message is None:
                raise NicEnded("the simulated NIC does not answer")
            if message.kind == "statistics":
                pairs = (line.split() for line in message.text.splitlines())
                return {name: int(value) for name, value in pairs}, earlier
            earlier.append(message)

    def stop(self):
        """End the program; its wire is closed with it."""
        self._host.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _put(self, kind, vc, node, data=b"", code=0):
        self._unsent.append(_HEADER.pack(kind, vc, code, node, 0, 0) + data)
        self._flush()

    def _flush(self):
        while self._unsent:
            try:
                self._host.send(self._unsent[0])
            except BlockingIOError:
                return
            except OSError as error:
                if isinstance(error, ConnectionError):
                    raise NicEnded("the simulated NIC has ended") from None
                return  # ENOBUFS
            self._unsent.popleft()


def random_seed():
    """A seed that differs at every start (protocol section 6)."""
    return int.from_bytes(os.urandom(4), "little")
