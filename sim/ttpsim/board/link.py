"""`BoardLink`: the registers of a board, over its UART. See `ttpoe.board.protocol`."""

import time

from ttpoe.board.protocol import QUIET_BYTES, WINDOW, Reply, crc8, data_bytes, request
from ttpverif.cli.errors import Failed, UsageError

__all__ = ["BoardLink", "Refused", "opened"]

PAUSE_SECONDS = 0.15
"""Longer than the board waits for the rest of a request, and than USB keeps bytes back."""
_TRIES = 4
_MEANING = {
    Reply.UNKNOWN: "no request begins so",
    Reply.CHECK: "the check byte was wrong",
    Reply.TIME: "a byte did not come in time",
    Reply.BROKEN: "a byte had no stop bit, or came too soon",
}


class Refused(Failed):
    """The board refused a read or a write: there is no such register."""


class _Lost(Exception):
    """No reply, or one that cannot be trusted; the text says which."""


def opened(device, baud, seconds=1.0):
    """The serial device; `UsageError` if there is none or it cannot be used."""
    import serial

    try:
        return serial.Serial(str(device), baud, timeout=seconds, write_timeout=seconds)
    except (serial.SerialException, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot open {device} at {baud} baud: {reason}") from None


class BoardLink:
    """Reads and writes of single words; what was lost on the wire is asked again.

    Parameters
    ----------
    port : serial.Serial or alike
        With `read`, `write`, `in_waiting`, `reset_input_buffer` and `baudrate`; `read` gives up after a time.
    """

    def __init__(self, port):
        self._port = port
        self.repeated = 0

    def read(self, address):
        """The word at `address`."""
        return self.read_many([address])[0]

    def read_many(self, addresses):
        """The words at `addresses`, with as many requests under way as the board takes."""
        words = []
        while len(words) < len(addresses):
            some = addresses[len(words) : len(words) + WINDOW]
            words += self._again(lambda: self._ask([(address, None) for address in some]))
        return words

    def write(self, address, value):
        """Write the word at `address`."""
        self._again(lambda: self._ask([(address, value)]))

    def _again(self, ask):
        left = _TRIES
        while True:
            try:
                return ask()
            except _Lost as lost:
                left -= 1
                if not left:
                    raise Failed(f"the board does not answer: {lost}") from None
                self.repeated += 1
                self._quiet()

    def _quiet(self):
        """Say nothing until nothing comes, for longer than the board ignores everything."""
        pause = max(PAUSE_SECONDS, 2 * 10 * QUIET_BYTES / self._port.baudrate)
        time.sleep(pause)
        while self._port.in_waiting:
            self._port.reset_input_buffer()
            time.sleep(pause)

    def _ask(self, requests):
        self._port.write(b"".join(request(address, data) for address, data in requests))
        return [self._reply(address, data is not None) for address, data in requests]

    def _reply(self, address, write):
        head = self._take(1)
        rest = self._take(data_bytes(write, head[0]) + 1)
        if crc8(head + rest):
            raise _Lost("what came is no reply; is the baud rate right?")
        try:
            letter = Reply(head[0])
        except ValueError:
            raise _Lost(f"it said {head!r}, which is no reply") from None
        if letter is Reply.REFUSED:
            raise Refused(f"the board refuses to {'write' if write else 'read'} 0x{address:04X}")
        if letter is not Reply.DONE:
            raise _Lost(_MEANING[letter])
        return int.from_bytes(rest[:-1], "little")

    def _take(self, number):
        got = self._port.read(number)
        if len(got) < number:
            raise _Lost("nothing came in time; are device, baud rate and bitstream right?")
        return bytes(got)
