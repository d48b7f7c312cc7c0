"""The operating system's frames: what is not TTP, both ways.

Source: section 8 of the protocol, claim S3, decisions N1 to N6.
"""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..layouts import beat_layout, event_signature
from ..memory.protected import ERRORS, report
from .classifier import Classifier
from .frame_buffer import FrameBuffer

__all__ = ["OsPath", "STATS"]

STATS = {
    "stat_os_rx_kept": "a frame of another EtherType lies whole in the buffer to the OS",
    "stat_os_rx_full": "frame of another EtherType dropped: no room in the buffer to the OS",
    "stat_os_tx_sent": "the last beat of a frame of the OS left for the MAC",
    "stat_os_tx_aborted": "frame of the OS dropped: the OS marked it as bad, or the path is off",
    "stat_os_tx_short": "frame of the OS dropped: shorter than 14 bytes",
    "stat_os_tx_ttp": "frame of the OS dropped: its EtherType is TTP's",
    "stat_os_tx_too_long": "frame of the OS dropped: longer than the buffer",
}
"""Every counter of the OS path: name of the one-clock pulse and what it means.

Each frame for which the engine counts `stat_rx_other_ethertype` gives exactly one of the first
two, or none while the path is off; each frame of the OS gives exactly one of the others.
"""


class OsPath(wiring.Component):
    """Takes what the engine leaves, and checks and buffers what the OS sends.

    Members
    -------
    i_mac : In(event of beat)
        The frames from the MAC, the same that the engine gets. Never held back.
    o_os : Out(stream of beat)
        Every good frame that is not TTP, unchanged and in order; `error` 0. Whole frames only: one
        that finds no room is dropped and counted.
    i_os : In(stream of beat)
        Frames of the OS. `ready` is low while the buffer has no room. `error` with `last`: the
        frame is not to be sent.
    o_frame : Out(stream of beat)
        Those of them that may go to the MAC, unchanged and in order; no gap inside a frame.
    cfg_os_enable : In(1)
        Low with the last beat of a frame: it is dropped, in either direction, as if it were bad.
    o_errors : Out(ERRORS)
        What the memories in here found, see `ttpoe.memory.protected`.
    stat_os_* : Out(1)
        One-clock pulses, see `STATS`.

    Timing: last beat on `i_mac` in clock t, first beat on `o_os` in t + 3; the same from `i_os` to
    `o_frame`. One beat per clock each way. Outputs come from registers and block RAM.

    Reset: both buffers empty; the next beat on each input is the first of a frame.
    """

    def __init__(self, config):
        self._config = config
        super().__init__(
            {
                "i_mac": In(event_signature(beat_layout(config))),
                "o_os": Out(stream.Signature(beat_layout(config))),
                "i_os": In(stream.Signature(beat_layout(config))),
                "cfg_os_enable": In(1),
                "o_frame": Out(stream.Signature(beat_layout(config))),
                "o_errors": Out(ERRORS),
                **{name: Out(1) for name in STATS},
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self._config
        m.submodules.rx_classifier = rx_classifier = Classifier(config)
        m.submodules.rx_buffer = rx_buffer = FrameBuffer(config, lossy=True)
        m.submodules.tx_classifier = tx_classifier = Classifier(config)
        m.submodules.tx_buffer = tx_buffer = FrameBuffer(config, lossy=False)

        report(m, config.protect, self.o_errors, rx_buffer.o_errors, tx_buffer.o_errors)
        # The lossy buffer is always ready, and so is the classifier in front of it.
        m.d.comb += [
            rx_classifier.i.valid.eq(self.i_mac.valid),
            rx_classifier.i.payload.eq(self.i_mac.p),
            rx_classifier.i.payload.error.eq(self.i_mac.p.error | ~self.cfg_os_enable),
            tx_classifier.i.valid.eq(self.i_os.valid),
            tx_classifier.i.payload.eq(self.i_os.payload),
            tx_classifier.i.payload.error.eq(self.i_os.payload.error | ~self.cfg_os_enable),
            self.i_os.ready.eq(tx_classifier.i.ready),
        ]
        wiring.connect(m, rx_classifier.o, rx_buffer.i)
        wiring.connect(m, rx_buffer.o, wiring.flipped(self.o_os))

        wiring.connect(m, tx_classifier.o, tx_buffer.i)
        wiring.connect(m, tx_buffer.o, wiring.flipped(self.o_frame))

        m.d.comb += [
            self.stat_os_rx_kept.eq(rx_buffer.kept),
            self.stat_os_rx_full.eq(rx_buffer.dropped),
            self.stat_os_tx_aborted.eq(tx_classifier.bad),
            self.stat_os_tx_short.eq(tx_classifier.short),
            self.stat_os_tx_ttp.eq(tx_classifier.ttp),
            self.stat_os_tx_too_long.eq(tx_buffer.dropped),
        ]
        sent = self.o_frame
        m.d.sync += self.stat_os_tx_sent.eq(sent.valid & sent.ready & sent.payload.last)
        return m
