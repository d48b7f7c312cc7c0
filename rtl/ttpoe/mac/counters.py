"""What a MAC counts, and how events of another clock come into the engine's.

Source: the causes of the RMON group of Ethernet statistics (RFC 2819), as far as a MAC sees them.
"""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from .gmii_rx import RX_CAUSES

__all__ = ["STATS", "TX_STATS", "RX_STATS", "Tokens"]

TX_STATS = {
    "stat_tx_sent": "frame sent on the wire, whole",
    "stat_tx_bad": "frame sent with TX_ER and a wrong FCS because its source said error",
    "stat_tx_underrun": "frame cut off on the wire because its source was too slow",
}

RX_STATS = {
    "stat_rx_good": "received frame handed over, its FCS good",
    "stat_rx_overflow": "received good frame dropped: no room, the reader was too slow",
    **RX_CAUSES,
}

STATS = {**TX_STATS, **RX_STATS}
"""Every statistic of a MAC: name of the one-clock pulse -> what it counts."""


class Tokens(wiring.Component):
    """Events of the clock domain `given`, to be taken one by one in the domain `taken`.

    A Gray counter crosses, so events that come faster than the other clock wait and are not lost.

    Parameters
    ----------
    bits : int
        Up to 2^bits - 1 tokens may be under way; 2 or more. With one more all of them are lost.

    Members
    -------
    give : In(1)
        In the domain `given`: one more, in each clock in which it is high.
    any : Out(1)
        In `taken`: there is a token.
    take : In(1)
        In `taken`: one is taken. Must not be high without `any`. Tied to `any`, each token is a
        pulse of one clock.

    Timing: `any` is high 3 clocks of `taken` at most after the end of the clock with `give`, or
    behind the tokens before it.

    Reset: none under way. Both domains must be reset together.
    """

    def __init__(self, bits=2):
        if bits < 2:
            raise ValueError(f"bits must be 2 or more; got {bits}")
        self._bits = bits
        super().__init__({"give": In(1), "any": Out(1), "take": In(1)})

    def elaborate(self, platform):
        m = Module()
        given, crossed = self._gray_counter(m, "given", self.give), Signal(self._bits)
        taken = self._gray_counter(m, "taken", self.take)
        m.submodules.crossing = FFSynchronizer(given, crossed, o_domain="taken")
        m.d.comb += self.any.eq(crossed != taken)
        return m

    def _gray_counter(self, m, domain, moves):
        """The register of a counter in which one bit changes at a time."""
        gray, following = Signal(self._bits), Signal(self._bits)
        number = Cat((gray >> bit).xor() for bit in range(self._bits))
        m.d.comb += following.eq(number + 1)
        with m.If(moves):
            m.d[domain] += gray.eq(following ^ following >> 1)
        return gray
