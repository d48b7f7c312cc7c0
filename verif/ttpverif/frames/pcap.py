"""Classic pcap files with nanosecond times, so that clocks can be read off in Wireshark."""

import struct

__all__ = ["PcapWriter", "read_pcap"]

_NANO, _MICRO = 0xA1B23C4D, 0xA1B2C3D4
_ETHERNET = 1
_SNAP_BYTES = 0x40000


class PcapWriter:
    """Writes frames with the clock cycle they were seen in.

    Parameters
    ----------
    path : str or Path
    clock_period_ns : float
        Nanoseconds per clock: cycle c is written as time c * clock_period_ns.
    """

    def __init__(self, path, clock_period_ns=8.0):
        self._period = clock_period_ns
        self._file = open(path, "wb")
        self._file.write(struct.pack("<IHHiIII", _NANO, 2, 4, 0, 0, _SNAP_BYTES, _ETHERNET))

    def write(self, data, cycle):
        seconds, nanoseconds = divmod(round(cycle * self._period), 1_000_000_000)
        self._file.write(struct.pack("<IIII", seconds, nanoseconds, len(data), len(data)))
        self._file.write(data)

    def close(self):
        self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def read_pcap(path):
    """[(time in ns, frame bytes)] of a classic pcap file, either byte order, us or ns."""
    with open(path, "rb") as file:
        raw = file.read()
    for order in "<>":
        magic = struct.unpack_from(order + "I", raw)[0] if len(raw) >= 24 else 0
        if magic in (_NANO, _MICRO):
            break
    else:
        raise ValueError(f"not a classic pcap file: {path}")
    link_type = struct.unpack_from(order + "I", raw, 20)[0]
    if link_type != _ETHERNET:
        raise ValueError(f"not an Ethernet capture (link type {link_type}): {path}")
    scale = 1 if magic == _NANO else 1000
    frames, offset = [], 24
    while offset < len(raw):
        if offset + 16 > len(raw):
            raise ValueError(f"cut off in a record header: {path}")
        seconds, fraction, size, full = struct.unpack_from(order + "IIII", raw, offset)
        offset += 16
        if offset + size > len(raw) or size != full:
            raise ValueError(f"cut off in frame {len(frames) + 1}: {path}")
        frames.append((seconds * 1_000_000_000 + fraction * scale, raw[offset : offset + size]))
        offset += size
    return frames
