"""A board in Python behind a pseudo-terminal, written from docs/guides/boards.md: what a serial device is
to a program. It can be deaf, say rubbish, or lose bytes."""

import os
import pty
import struct
import threading
import tty

__all__ = ["FakeBoard"]


def check(octets):
    """CRC-8, x^8 + x^2 + x + 1, bit by bit."""
    register = 0
    for bit in "".join(f"{octet:08b}" for octet in octets):
        top = register >> 7
        register = (register << 1 | int(bit)) & 0xFF
        register ^= 0x07 if top else 0
    for _ in range(8):
        top = register >> 7
        register = register << 1 & 0xFF
        register ^= 0x07 if top else 0
    return bytes([register])


class FakeBoard:
    """`registers`: {address: word}. `fault(number, reply)`: what is said instead of this reply."""

    def __init__(self, registers, fault=None):
        self.registers, self.fault, self.writes, self.requests = registers, fault, [], 0
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.device = os.ttyname(self._slave)
        threading.Thread(target=self._run, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._slave)

    def _bytes(self, number):
        got = b""
        while len(got) < number:
            got += os.read(self._master, number - len(got))
        return got

    def _run(self):
        try:
            while True:
                head = self._bytes(1)
                body = self._bytes({b"R": 3, b"W": 7}[head])
                reply = self._reply(head, head + body)
                reply += check(reply)
                if self.fault:
                    reply = self.fault(self.requests, reply)
                self.requests += 1
                os.write(self._master, reply)
        except OSError:
            os.close(self._master)

    def _reply(self, kind, message):
        if check(message[:-1]) != message[-1:]:
            return b"C"
        (address,) = struct.unpack_from("<H", message, 1)
        if kind == b"W":
            (value,) = struct.unpack_from("<I", message, 3)
            self.writes.append((address, value))
            if self.refuses(address, value):
                return b"S"
            self.wrote(address, value)
            return b"K"
        if address not in self.registers:
            return b"S"
        return b"K" + struct.pack("<I", self.registers[address])

    def refuses(self, address, value):
        """Whether a write is refused."""
        return address not in self.registers

    def wrote(self, address, value):
        """What a write does."""
        self.registers[address] = value
