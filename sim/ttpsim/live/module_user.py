"""`--peer module`: Tesla's module as the other end of the wire, in this process and in real time.

The peer is `ttpverif.module.Module`; a thread is its wire, its clock and its user. For `ping` the
user writes back what has come, for `echo` he opens a link and writes a line a second.
"""

import select
import socket
import threading
import time

from ttpverif.module import Module

__all__ = ["ModuleUser", "start"]

_VC = 0  # of the link that the user opens, as `vci` is after loading
_LINE_SECONDS = 1.0


class ModuleUser(threading.Thread):
    """Runs until the wire ends.

    Parameters
    ----------
    node : int
        Of the module.
    engine : int
        Node of the NIC.
    wire : socket.socket
        Carries a frame in each message.
    writes : bool
        Opens a link and writes lines; else writes back what comes.
    """

    def __init__(self, node, engine, wire, writes):
        super().__init__(daemon=True, name="module")
        self.module, self.engine, self.wire = Module(node), engine, wire
        self.lines = 0
        self.writes, self._next_line = writes, 0.0

    def run(self):
        try:
            while self._turn():
                pass
        except OSError:  # the NIC has ended
            pass
        self.wire.close()

    def _turn(self):
        """Wait for a frame, a timer or the user; False if the wire has ended."""
        now = time.monotonic()
        due = [self._next_line] if self.writes else []
        if self.module.next_time is not None:
            due.append(self.module.next_time / 1000)
        wait = max(0.0, min(due) - now) if due else 3600
        ready, _, _ = select.select([self.wire], [], [], wait)
        now_ms = time.monotonic() * 1000
        if ready:
            data = self.wire.recv(4096)
            if not data:
                return False
            self._send(self.module.receive(data, now_ms))
        self._send(self.module.tick(now_ms))
        self._use(now_ms)
        return True

    def _use(self, now_ms):
        for node, vc, data in self.module.read():
            if not self.writes:
                self._send(self.module.write(node, vc, data, now_ms))
        if self.writes and now_ms / 1000 >= self._next_line:
            self._next_line = now_ms / 1000 + _LINE_SECONDS
            self.lines += 1
            self._send(self.module.write(self.engine, _VC, b"line %d\n" % self.lines, now_ms))

    def _send(self, frames):
        for data in frames:
            self.wire.send(data)


def start(options):
    """`(file descriptor of the NIC's end of the wire, node of the module)`; it runs."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.setblocking(False)
    node = getattr(options, "peer", None) or (1 if options.node != 1 else 2)
    ModuleUser(node, options.node, ours, writes=options.command == "echo").start()
    return theirs.detach(), node
