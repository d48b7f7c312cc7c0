"""What a `Module` is told, and what protocol section 10 does not say."""

from dataclasses import dataclass, fields

__all__ = ["CHOICES", "Options"]

CHOICES = {
    "payload_in_open_sent": ("nolink", "silence", "accept"),
    "open_in_close_sent": ("stay", "open", "silence"),
    "nolink_in_open_sent": ("silence", "open"),
    "nolink_in_close_sent": ("silence", "close", "open"),
    "close_in_open_sent": ("close", "stay"),
    "reopen_waits": (True, False),
    "crossing_close_ends": (False, True),
    "replays_in_close_sent": (True, False),
    "believes_any_open_ack": (False, True),
    "dropped_id_used": (False, True),
    "write_opens": (True, False),
    "leftovers": ("recycled", "zero", "plausible"),
    "close_nack_ids": ("zero", "true"),
}
"""Every option about which section 10 is silent: its variants, the default first."""


@dataclass(frozen=True)
class Options:
    """Settings of a `Module`.

    Known of the module (section 10):

    start_id : its parameter `tag_seq`, any 32-bit value.
    page_bytes : room for what was received and not read, over all links.
    payload_bytes : the most in one PAYLOAD; a longer write becomes several.
    open_ms, replay_ms, close_ms : its timers, in milliseconds.
    tries : how often a frame is repeated before it is given up.
    events : how many events it recycles: an event's old IDs come back in a CLOSE so much later.
    mutes_third_vc : three VCs to one node, all closed and opened again, never send.

    Open, each with its variants (`CHOICES`):

    payload_in_open_sent : a PAYLOAD while its OPEN is not answered is refused with NACK_NOLINK,
        dropped, or taken as on an open link.
    open_in_close_sent : an OPEN is answered and the link goes on closing, is answered and the link
        is open again, or gets no answer.
    nolink_in_open_sent : a NACK_NOLINK while its OPEN is not answered is dropped, or answered with
        the OPEN at once.
    nolink_in_close_sent : a NACK_NOLINK while it closes is dropped, ends the link, or opens it
        again.
    close_in_open_sent : a CLOSE while its OPEN is not answered is answered, and ends the link or
        not.
    reopen_waits : its user's open of an open link holds PAYLOADs back until it is answered.
    crossing_close_ends : a CLOSE that crosses its own ends the link; else only CLOSE_ACK does.
    replays_in_close_sent : a PAYLOAD that was not acknowledged is replayed while the link closes.
    believes_any_open_ack : the RxID of an OPEN_ACK is not looked at.
    dropped_id_used : a PAYLOAD that was given up has used its ID; else the next one takes it.
    write_opens : its user's write to a closed link opens it; else the write is refused.
    leftovers : the IDs of its CLOSE: what an old event held, 0, or the most misleading ones: its
        position one short, and the last one that the peer sent.
    close_nack_ids : the IDs of its CLOSE_NACK: 0, or last sent and last received.
    """

    start_id: int = 1
    page_bytes: int = 4000
    payload_bytes: int = 1008
    open_ms: float = 250
    replay_ms: float = 375
    close_ms: float = 500
    tries: int = 1000
    events: int = 1024
    mutes_third_vc: bool = True
    payload_in_open_sent: str = "nolink"
    open_in_close_sent: str = "stay"
    nolink_in_open_sent: str = "silence"
    nolink_in_close_sent: str = "silence"
    close_in_open_sent: str = "close"
    reopen_waits: bool = True
    crossing_close_ends: bool = False
    replays_in_close_sent: bool = True
    believes_any_open_ack: bool = False
    dropped_id_used: bool = False
    write_opens: bool = True
    leftovers: str = "recycled"
    close_nack_ids: str = "zero"

    def __post_init__(self):
        if not 0 <= self.start_id < 1 << 32:
            raise ValueError(f"start_id has 32 bits; got {self.start_id}")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"{name} must be one of {', '.join(map(str, choices))}; "
                    f"got {getattr(self, name)!r}"
                )

    def __str__(self):
        """Only what is not the default."""
        return (
            ", ".join(
                f"{item.name}={getattr(self, item.name)!r}"
                for item in fields(self)
                if getattr(self, item.name) != item.default
            )
            or "defaults"
        )
