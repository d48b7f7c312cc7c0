"""What is in a file that gzip, bzip2 or xz may have packed, as one more file."""

import importlib
import io

__all__ = ["CaptureError", "unpacked"]

_BUFFER = 1 << 20
_PACKERS = (
    (b"\x1f\x8b", "gzip", "gunzip"),
    (b"BZh", "bz2", "bunzip2"),
    (b"\xfd7zXZ", "lzma", "unxz"),
)


class CaptureError(Exception):
    """The file cannot be read as a capture; the text is one line."""


class _Again(io.RawIOBase):
    """A file whose first bytes have been looked at."""

    def __init__(self, head, file):
        self._head, self._file = head, file

    def readable(self):
        return True

    def readinto(self, buffer):
        data, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
        # Of a pipe take what is there, so that a live capture is not held up.
        data = data or getattr(self._file, "read1", self._file.read)(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def unpacked(file):
    """A buffered file of the bytes in `file`, unpacked if they are packed."""
    head = file.read(6)
    again = io.BufferedReader(_Again(head, file), _BUFFER)
    for magic, module, command in _PACKERS:
        if head.startswith(magic):
            try:
                opener = importlib.import_module(module).open
            except ImportError:
                raise CaptureError(
                    f"compressed, and this Python has no {module}; unpack it first: {command} FILE"
                ) from None
            return io.BufferedReader(opener(again), _BUFFER)
    return again
