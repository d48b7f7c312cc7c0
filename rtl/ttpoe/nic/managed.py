"""`ManagedNic`: the NIC whose host controls it through registers.

Source: section 7 of the protocol ("AXI4-Lite for control and status"). Nothing is computed here.
"""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..csr.axil import AxiLiteSignature
from ..csr.block import Csr
from ..csr.mac import mac_members
from ..csr.registers import PULSES
from ..wires import pass_through
from .nic import Nic

__all__ = ["ManagedNic"]

_BEHIND_REGISTERS = ("i_command", "o_notice", "i_inspect", "o_inspected", "o_inspected_law")


class ManagedNic(wiring.Component):
    """A `Nic` and its `Csr`: streams as before; control, status and notices by AXI4-Lite.

    Works after reset with no register written.

    Parameters
    ----------
    config : Config
    mac : str or None
        Kind of the MAC that `i_mac` and `o_mac` are joined to, for its registers: see `mac.kinds`.

    Members
    -------
    s_axil : In(AxiLiteSignature)
        See `csr.block` and docs/reference/registers.md.
    i_node : In(24), i_open_id_seed : In(32)
        This node, and where its IDs and epochs start, until software writes the registers. **The
        seed must differ at every start of a node** (section 6): see `engine.Engine`, and `nic.seed`
        for one that does.
    o_interrupt : Out(1)
        Level.
    stat_mac_*, i_phy_*, i_mdio : In, cfg_phy_*, o_mdio : Out
        With a MAC: what its registers are made of, see `csr.block`.
    everything else
        The NIC's ports under the NIC's names, but for those behind registers: `cfg_*`, commands,
        notices and the read-out of links.

    Timing and reset: those of the parts.
    """

    def __init__(self, config, mac=None):
        self._nic, self._csr = Nic(config), Csr(config, mac)
        outside = {
            name: member
            for name, member in self._nic.signature.members.items()
            if not name.startswith("cfg_") and name not in _BEHIND_REGISTERS
        }
        csr = self._csr.signature.members
        of_mac = {
            name: member
            for name, member in csr.items()
            if name.startswith("cfg_phy_") or name in mac_members(mac)
        }
        super().__init__(
            {
                **outside,
                "s_axil": In(AxiLiteSignature()),
                "i_node": In(24),
                "i_open_id_seed": In(32),
                "o_interrupt": Out(1),
                **of_mac,
            }
        )
        self._outside, self._of_mac = list(outside), list(of_mac)

    def elaborate(self, platform):
        m = Module()
        m.submodules.nic = nic = self._nic
        m.submodules.csr = csr = self._csr

        pass_through(m, self, nic, self._outside)
        pass_through(m, self, csr, ["s_axil", *self._of_mac])
        wiring.connect(m, csr.o_command, nic.i_command)
        wiring.connect(m, csr.o_inspect, nic.i_inspect)
        wiring.connect(m, nic.o_inspected, csr.i_inspected)
        wiring.connect(m, nic.o_inspected_law, csr.i_inspected_law)
        wiring.connect(m, nic.o_notice, csr.i_notice)
        m.d.comb += [
            *(
                getattr(nic, name).eq(getattr(csr, name))
                for name in nic.signature.members
                if name.startswith("cfg_")
            ),
            *(getattr(csr, name).eq(getattr(nic, name)) for name in PULSES),
            csr.i_ready.eq(nic.o_ready),
            csr.i_free_slots.eq(nic.o_free_slots),
            csr.i_node.eq(self.i_node),
            csr.i_open_id_seed.eq(self.i_open_id_seed),
            self.o_interrupt.eq(csr.o_interrupt),
        ]
        return m
