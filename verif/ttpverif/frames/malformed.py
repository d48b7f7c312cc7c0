"""Frames that do not parse; each says by which cause of F1 it is dropped."""

from .bad import ANY_CAUSE, PARSING, Bad
from .frame import Frame, node_to_mac
from .scapy_ttp import ttp_frame
from .templates import put, u16

__all__ = ["Malformed"]


class Malformed:
    """Malformed frames towards `node`, made of the `Templates` `frames`."""

    def __init__(self, frames):
        self.frames, self.rng = frames, frames.rng
        self.node, self.peer = frames.node, frames.peer

    def structured(self):
        """Every case once, in an order of chance."""
        cases = [
            bad
            for make in (self._cuts, self._lies, self._codes, self._addresses, self._others)
            for bad in make()
        ]
        self.rng.shuffle(cases)
        return cases

    def _cuts(self):
        for frame in (*self.frames.others[::6], *self.frames.payloads):
            needed = max(64, 34 + u16(frame, 40))
            for length in range(1, needed):
                cause = "truncated" if length >= 64 else "runt"
                yield Bad(
                    "truncated" if length >= 64 else "runt",
                    frame[:length],
                    cause,
                    gaps=length % 2 == 1,
                )
        for size in (1515, 2048, 2049, 4000, 9018):  # too long to look at, and still wrong
            yield Bad(
                "giant", bytes(self.frames.others[0][:43] + b"\x07").ljust(size, b"\xa5"), "bad_vc"
            )

    def _lies(self):
        values = {
            0,
            1,
            25,
            26,
            27,
            28,
            45,
            46,
            47,
            1049,
            1050,
            1051,
            1052,
            2047,
            2048,
            2074,
            0x8000,
            0xFFFE,
            0xFFFF,
            *(1 << bit for bit in range(16)),
        }
        for frame in (self.frames.others[0], *self.frames.payloads):
            true = u16(frame, 40)
            for value in values | {true - 1, true + 1, true ^ 0x100}:
                tsh, total, both = (bytearray(frame) for _ in range(3))
                put(tsh, 40, 2, value)
                put(total, 16, 2, value)
                put(both, 40, 2, value)
                put(both, 16, 2, value + 20)
                outside = not 26 <= value <= 1050
                for name, data in (
                    ("TSH length lies", tsh),
                    ("total length lies", total),
                    ("both lengths lie", both),
                ):
                    if name == "TSH length lies":
                        cause = "tsh_length" if outside else "total_length"
                        wrong = value != true
                    elif name == "total length lies":
                        cause, wrong = "total_length", value != true + 20
                    else:  # only too much can be told; 26 is a PAYLOAD without a byte
                        cause = (
                            "tsh_length"
                            if outside
                            else "empty_payload"
                            if value == 26
                            else "truncated"
                        )
                        wrong = outside or 34 + value > len(data) or value == 26 and data[42] == 6
                    if wrong:
                        yield Bad(name, bytes(data), cause)

    def _codes(self):
        for opcode in range(11, 64):
            for top in range(4):
                data = self.frames.any()
                data[42] = top << 6 | opcode
                yield Bad("bad opcode", bytes(data), "bad_opcode")
        for vc in range(3, 256):
            data = self.frames.any()
            data[43] = vc
            yield Bad("bad VC", bytes(data), "bad_vc")
        for value in range(256):
            if value != 5:
                data = self.frames.any()
                data[14] = value
                yield Bad("bad TTH byte 0", bytes(data), "bad_tth")
        for vc in range(3):
            data = bytearray(bytes(ttp_frame(self.peer, self.node, 7, vc=vc)))
            data[42] = 6
            yield Bad("empty PAYLOAD", bytes(data), "empty_payload")

    def _addresses(self):
        for start, cause, name in (
            (0, "wrong_oui", "wrong OUI"),
            (6, "wrong_oui", "wrong OUI"),
            (3, "not_ours", "other node"),
        ):
            for bit in range(24):
                data = self.frames.any()
                data[start + bit // 8] ^= 1 << bit % 8
                yield Bad(name, bytes(data), cause)
        for mac in (
            "ff:ff:ff:ff:ff:ff",
            "01:00:5e:00:00:01",
            "33:33:00:00:00:01",
            "99:ed:5c:00:00:02",
            "01:80:c2:00:00:00",
            "00:00:00:00:00:00",
        ):
            data = self.frames.any()
            data[:6] = bytes.fromhex(mac.replace(":", ""))
            yield Bad("multicast or broadcast", bytes(data), "wrong_oui")
        for _ in range(12):  # as if from ourselves (L20)
            data = self.frames.any()
            data[6:12] = node_to_mac(self.node)
            yield Bad("own address", bytes(data), "own_source")

    def _others(self):
        for good in (0x0AC6, 0x9AC6):
            for bit in range(16):
                if good ^ 1 << bit not in (0x0AC6, 0x9AC6):
                    data = self.frames.any()
                    put(data, 12, 2, good ^ 1 << bit)
                    yield Bad("other EtherType", bytes(data), "other_ethertype")
        for value in (0x0800, 0x0806, 0x86DD, 0x88CC, 0, 0xFFFF, 64):
            data = self.frames.any()
            put(data, 12, 2, value)
            yield Bad("other EtherType", bytes(data), "other_ethertype")
        for tag in (b"\x81\x00\x00\x02", b"\x88\xa8\x00\x02", b"\x81\x00\xe0\x00"):
            data = self.frames.any()
            yield Bad("VLAN tag", bytes(data[:12] + tag + data[12:]), "other_ethertype")
        for frame in self.frames.ipv4:
            yield Bad("IPv4/UDP form", frame, "other_ethertype")
        for frame in (*self.frames.others, *self.frames.payloads):
            yield Bad("bad FCS", frame, "bad_fcs", bad_fcs=True)

    def malformed(self):
        """A frame of chance that does not parse."""
        while True:
            name = self.rng.choice(PARSING)
            bad = self._draw(name)
            _, bad.cause = Frame.parse(bad.data, self.node, bad.bad_fcs)
            if bad.cause is None:  # a mutation that left it good
                continue
            if bad.odd_keep:
                bad.cause = ANY_CAUSE
            bad.gaps = self.rng.random() < 0.1
            return bad

    def _draw(self, name):
        rng = self.rng
        data = self.frames.any()
        if name in ("noise", "runt"):
            size = (
                rng.randint(1, 63)
                if name == "runt"
                else rng.choice((rng.randint(1, 130), rng.randint(64, 80), rng.randint(1, 1600)))
            )
            return Bad(name, rng.randbytes(size), bad_fcs=rng.random() < 0.1)
        if name == "noise behind a good header":
            kept = rng.choice((6, 12, 14, 15, 16, 18, 34, 40, 42, 43))
            return Bad(name, bytes(data[:kept]) + rng.randbytes(rng.randint(1, 200)))
        if name == "giant":
            data[43] = rng.randint(3, 255)
            return Bad(name, bytes(data).ljust(rng.randint(1100, 1700), b"\x5a"))
        if name == "several faults":
            for _ in range(rng.randint(2, 4)):
                self._spoil(data, rng.choice(PARSING[:13]))
            data = data[: rng.randint(1, len(data))] if rng.random() < 0.3 else data
            return Bad(name, bytes(data), bad_fcs=rng.random() < 0.2)
        if name == "odd keep":
            data[43] = rng.randint(3, 255)
            return Bad(name, bytes(data), odd_keep=True)
        if name == "IPv4/UDP form":
            return Bad(name, rng.choice(self.frames.ipv4))
        if name == "bad FCS":
            for _ in range(rng.randint(0, 3)):
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            return Bad(name, bytes(data), bad_fcs=True)
        if name == "truncated":
            return Bad(name, bytes(data[: rng.randint(1, len(data))]))
        if name == "empty PAYLOAD":
            data = bytearray(self.frames.others[0])
            data[42:44] = bytes((6, rng.randint(0, 2)))
            return Bad(name, bytes(data))
        self._spoil(data, name)
        return Bad(name, bytes(data))

    def _spoil(self, data, name):
        """One fault of the kind `name` in a whole frame."""
        rng = self.rng
        if "length" in name:
            value = rng.choice(
                (rng.randrange(1 << 16), rng.randrange(1100), u16(data, 40) + rng.randint(-3, 3))
            )
            if "TSH" in name or "both" in name:
                put(data, 40, 2, value)
            if "total" in name or "both" in name:
                put(data, 16, 2, value + 20)
        elif name == "bad opcode":
            data[42] = rng.randrange(256)
        elif name == "bad VC":
            data[43] = rng.randint(3, 255)
        elif name == "wrong OUI":
            data[rng.choice((0, 1, 2, 6, 7, 8))] ^= rng.randint(1, 255)
        elif name == "other node":
            data[rng.randint(3, 5)] ^= rng.randint(1, 255)
        elif name == "multicast or broadcast":
            data[:6] = rng.choice((b"\xff" * 6, b"\x01\x00\x5e" + rng.randbytes(3)))
        elif name == "other EtherType":
            put(data, 12, 2, rng.randrange(1 << 16))
        elif name == "VLAN tag":
            data[12:12] = b"\x81\x00" + rng.randbytes(2)
        elif name == "bad TTH byte 0":
            data[14] ^= rng.randint(1, 255)
        elif name == "own address":
            data[6:12] = node_to_mac(self.node)
