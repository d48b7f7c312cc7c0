"""Packets through a board with the application `bridge`: sent and received by its registers."""

import time

from ttpsim.board.link import Refused
from ttpsim.board.talk import Talk
from ttpverif.cli.errors import Failed, UsageError

__all__ = ["Messages", "send_lines"]

_BEAT_BYTES = 8
_MOST_BYTES = 1024


class Messages:
    """VC 0 of a board, as packets of bytes.

    Parameters
    ----------
    board : Talk
    node : int
        Where packets go.
    wait : float
        Seconds for which the engine may take nothing.
    """

    def __init__(self, board, node, wait=10.0):
        self.wait = wait
        if board.app != "bridge":
            raise UsageError(f"the board's application is {board.app}; --send needs bridge")
        self._registers = board.board
        self._registers["BRIDGE_NODE"].write(node)
        turns = self._registers["BRIDGE_TURNS"].fields()
        self._push, self._pop = turns["push"], turns["pop"]
        self._part = b""

    def send(self, packet):
        """Send these bytes, 1 to 1024, as one packet."""
        registers = self._registers
        for at in range(0, len(packet), _BEAT_BYTES):
            beat = packet[at : at + _BEAT_BYTES]
            registers["BRIDGE_LOW"].write(int.from_bytes(beat[:4], "little"))
            registers["BRIDGE_HIGH"].write(int.from_bytes(beat[4:], "little"))
            last = at + _BEAT_BYTES >= len(packet)
            self._push ^= 1
            self._until_there_is_room(bytes=len(beat), last=int(last), turn=self._push)

    def _until_there_is_room(self, **beat):
        """Nothing is lost if the engine holds the board up, but it must not do so for ever."""
        until = time.monotonic() + self.wait
        while True:
            try:
                return self._registers["BRIDGE_PUSH"].write(**beat)
            except Refused:
                if time.monotonic() >= until:
                    raise Failed(
                        f"the engine took nothing for {self.wait:g} s; does the node answer?"
                    ) from None

    def receive(self, seconds=0.0):
        """`(node, bytes)` of the next packet; None if it is not there within that time."""
        registers, until = self._registers, time.monotonic() + seconds
        while True:
            head = registers["BRIDGE_HEAD"].fields()
            if not head["bytes"]:
                if time.monotonic() >= until:
                    return None
                continue
            data = registers["BRIDGE_DATA_LOW"].read() | registers["BRIDGE_DATA_HIGH"].read() << 32
            self._pop ^= 1
            registers["BRIDGE_POP"].write(turn=self._pop)
            self._part += data.to_bytes(8, "little")[: head["bytes"]]
            if head["last"]:
                packet, self._part = self._part, b""
                return head["node"], packet


def send_lines(link, node, lines, wait=1.0):
    """Send each line as a packet, without its end; print what comes, until nothing comes for
    `wait` seconds behind the last. The exit code."""
    messages = Messages(Talk(link), node)

    def show(packet):
        source, octets = packet
        print(f"{source:06x} {octets.decode(errors='backslashreplace')}", flush=True)

    for line in lines:
        packet = line.rstrip(b"\r\n")[:_MOST_BYTES]
        if packet:
            messages.send(packet)
        while found := messages.receive():
            show(found)
    while found := messages.receive(wait):
        show(found)
    return 0
