"""Ends of a wire in cocotb: the models of others at the pins of one port, whatever its MAC is.

`await end.frame()` is the next frame that the port has sent, without FCS, which the model has
checked, or None if it is broken; `end.put(frame, fault)` sends one to the port: good, or with a
wrong `fcs`, or with an `error` of the wire.
"""

from typing import Any

from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource
from cocotbext.eth import (
    GmiiFrame,
    GmiiSink,
    GmiiSource,
    RgmiiSink,
    RgmiiSource,
    XgmiiFrame,
    XgmiiSink,
    XgmiiSource,
)
from cocotbext.eth.constants import EthPre

__all__ = ["ENDS"]

_ERROR_AT = 30


class _Ethernet:
    """What the models of GMII, RGMII and XGMII have in common."""

    frame_type: Any
    source: Any
    sink: Any

    def whole(self, frame) -> bool:
        """Whether the model found no fault in it."""
        raise NotImplementedError

    def spoil(self, frame) -> None:
        """Put an error of the wire into it."""
        raise NotImplementedError

    async def frame(self):
        got = await self.sink.recv(compact=False)
        got.compact()
        return bytes(got.get_payload()) if self.whole(got) and got.check_fcs() else None

    def put(self, frame, fault=None, min_len=60):
        sent = self.frame_type.from_payload(frame, min_len=min_len)
        if fault == "fcs":
            sent.data[len(sent.data) // 2] ^= 0x10
        elif fault == "error":
            self.spoil(sent)
        self.source.send_nowait(sent)


class GmiiEnd(_Ethernet):
    frame_type = GmiiFrame
    clocks = ("gmii_tx_clk", "gmii_rx_clk", 8000)
    sync_ps = 8000
    zero = ("gmii_rxd", "gmii_rx_dv", "gmii_rx_er")

    def __init__(self, pin):
        self.source = GmiiSource(
            pin("gmii_rxd"), pin("gmii_rx_er"), pin("gmii_rx_dv"), pin("gmii_rx_clk")
        )
        self.sink = GmiiSink(
            pin("gmii_txd"), pin("gmii_tx_er"), pin("gmii_tx_en"), pin("mid_tx_clk")
        )

    def whole(self, frame):
        return frame.error is None and EthPre.SFD in frame.data

    def spoil(self, frame):
        frame.error = [int(n == _ERROR_AT) for n in range(len(frame.data))]


class RgmiiEnd(GmiiEnd):
    clocks = ("gmii_tx_clk", "rgmii_rxc", 8000)
    zero = ("rgmii_rxd", "rgmii_rx_ctl")

    def __init__(self, pin):
        self.source = RgmiiSource(pin("rgmii_rxd"), pin("rgmii_rx_ctl"), pin("rgmii_rxc"))
        self.sink = RgmiiSink(pin("rgmii_txd"), pin("rgmii_tx_ctl"), pin("phy_txc"))


class XgmiiEnd(_Ethernet):
    frame_type = XgmiiFrame
    clocks = ("xgmii_tx_clk", "xgmii_rx_clk", 6400)
    sync_ps = 6400
    zero = ("xgmii_tx_rst", "xgmii_rx_rst")

    def __init__(self, pin):
        self.source = XgmiiSource(pin("xgmii_rxd"), pin("xgmii_rxc"), pin("xgmii_rx_clk"))
        self.sink = XgmiiSink(pin("xgmii_txd"), pin("xgmii_txc"), pin("xgmii_tx_clk"))

    def whole(self, frame):
        return frame.ctrl is None

    def spoil(self, frame):
        frame.ctrl = [int(n == _ERROR_AT) for n in range(len(frame.data))]
        frame.data[_ERROR_AT] = 0xFE


class CmacEnd:
    """The hard MAC itself: AXI4-Stream without FCS; a frame is good or bad."""

    clocks = ("cmac_tx_clk", "cmac_rx_clk", 3104)
    sync_ps = 5120
    zero = ("cmac_tx_rst", "cmac_rx_rst", "cmac_rx_aligned")

    def __init__(self, pin):
        self.source = AxiStreamSource(
            AxiStreamBus(pin.dut, f"{pin.side}_s_cmac_rx"), pin("cmac_rx_clk")
        )
        self.sink = AxiStreamSink(
            AxiStreamBus(pin.dut, f"{pin.side}_m_cmac_tx"), pin("cmac_tx_clk")
        )

    async def frame(self):
        got = await self.sink.recv()
        return bytes(got.tdata) if not got.tuser and len(got.tdata) >= 60 else None

    def put(self, frame, fault=None, min_len=60):
        octets = frame.ljust(min_len, b"\0")
        beats = -(-len(octets) // 64)
        flags = [0] * (beats - 1) * 64
        flags += [int(fault is not None)] * (len(octets) - len(flags))
        self.source.send_nowait(AxiStreamFrame(octets, tuser=flags))


ENDS = {"rgmii": RgmiiEnd, "gmii": GmiiEnd, "xgmii": XgmiiEnd, "cmac": CmacEnd}
"""Kind of the MAC -> the end. `clocks`: the sender's, the taker's, their nominal period in ps;
`sync_ps`: that of an engine as fast as the wire."""
