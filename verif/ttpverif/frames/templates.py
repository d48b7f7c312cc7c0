"""Good frames, of which `malformed` and `forged` make bad ones."""

from .scapy_ttp import ipv4_frame, ttp_frame

__all__ = ["Templates", "put", "u16"]


def put(data, offset, length, value):
    data[offset : offset + length] = (value % (1 << 8 * length)).to_bytes(length, "big")


def u16(data, offset):
    return int.from_bytes(data[offset : offset + 2], "big")


class Templates:
    """Frames of `peer` to `node`, made by the Scapy layers; `rng` chooses."""

    SIZES = (1, 3, 4, 5, 12, 13, 64, 200, 1024)

    def __init__(self, rng, node, peer):
        self.rng, self.node, self.peer = rng, node, peer
        self.others = [
            bytes(
                ttp_frame(
                    peer,
                    node,
                    opcode,
                    vc=vc,
                    ethertype=ethertype,
                    epoch=0x4568,
                    tx_id=1000,
                    rx_id=2000,
                )
            )
            for opcode in (*range(6), *range(7, 11))
            for vc in range(3)
            for ethertype in (0x0AC6, 0x9AC6)
        ]
        self.payloads = [
            bytes(
                ttp_frame(
                    peer, node, 6, payload=rng.randbytes(size), vc=2, epoch=0x4568, tx_id=1000
                )
            )
            for size in self.SIZES
        ]
        self.ipv4 = [
            bytes(ipv4_frame(peer, node, opcode, payload=b"ipv4" * (opcode == 6)))
            for opcode in range(11)
        ]

    def any(self):
        """One of them, to be changed."""
        rng = self.rng
        return bytearray(
            rng.choice(self.payloads) if rng.random() < 0.3 else rng.choice(self.others)
        )
