"""Beats of the host's streams, 8 bytes wide, for the tests of the applications."""

__all__ = ["beats"]


def beats(octets, **more):
    """The beats of a packet."""
    parts = [octets[at : at + 8] for at in range(0, len(octets), 8)]
    return [
        dict(
            data=int.from_bytes(part, "little"),
            keep=(1 << len(part)) - 1,
            last=number == len(parts) - 1,
            **more,
        )
        for number, part in enumerate(parts)
    ]
