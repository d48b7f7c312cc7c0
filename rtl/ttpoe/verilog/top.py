"""`EngineTop`: engine or NIC behind flat AXI4-Stream ports, to be instantiated from Verilog.

It renames and packs, and adds no clock: every port is the engine's own port of section 7 or 8 of
the protocol. All ports but a MAC's pins belong to `clk`; `rst` is synchronous and active high.

| port | payload |
|---|---|
| `s_mac_rx_t*` | frames from the MAC; `tuser` = bad frame, counts at `tlast`; no `tready` |
| `m_mac_tx_t*` | frames to the MAC |
| `s_host_txV_t*` | payloads from the host on VC V; `tdest` = destination node |
| `m_host_rxV_t*` | payloads to the host on VC V; `tuser` = {id[31:0], source node[23:0]} |
| `s_cmd_t*` | `tdata` = {command[0], vc[1:0], node[23:0]}; command 0 open, 1 close |
| `m_notice_t*` | `tdata` = {notice[2:0], vc[1:0], node[23:0]}; never held back |
| `s_os_tx_t*` | NIC: frames from the OS; `tuser` = do not send this one, counts at `tlast` |
| `m_os_rx_t*` | NIC: frames to the OS |
| `cfg_*` | configuration; see `ttpoe.engine` |
| `s_axil_*`, `irq` | managed NIC: control and status instead of `cfg_*`, see docs/reference/registers.md |
| `node` | managed NIC: what its register holds until it is written |
| `open_id_seed` | the same; it must differ at every start of the node (docs/guides/integration.md) |
| `ready`, `free_slots` | memories initialised; free replay slots |
| `stat_*` | one pulse of one clock per event; see `ttpoe.stats`, and `ttpoe.nic.os_path` |
| `trace_*` | one record per event that leaves the pipeline, when `trace_valid` |
| `law_*` | what the law of congestion knows of its link then, some clocks later, when `law_valid` |
| pins of a MAC | port: see `ttpoe.mac.kinds`; they belong to the clocks of the MAC |
"""

from amaranth.hdl import Cat, Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..csr.axil import AxiLiteSignature

__all__ = ["LEVELS", "EngineTop", "flat_fields"]

_VCS = (0, 1, 2)


def flat_fields(layout, prefix=""):
    """`(name, path, width)` of every leaf of a struct layout, nested names joined by `_`."""
    for name, field in layout:
        path_name = f"{prefix}{name}"
        if isinstance(field.shape, data.StructLayout):
            for leaf, path, width in flat_fields(field.shape, f"{path_name}_"):
                yield leaf, (name, *path), width
        else:
            yield path_name, (name,), field.width


def _leaf(view, path):
    for name in path:
        view = view[name]
    return view if not hasattr(view, "as_value") else view.as_value()


# AXI name -> (the core's port, its number if there is one for each VC, {AXI suffix: members of its
# payload, lowest bit first}). A stream that the core does not have is left out.
_BEAT = {"tdata": ("data",), "tkeep": ("keep",), "tlast": ("last",)}
_Streams = dict[str, tuple[str, int | None, dict[str, tuple[str, ...]]]]
_SINKS: _Streams = {
    "s_mac_rx": ("i_mac", None, _BEAT | {"tuser": ("error",)}),
    "s_os_tx": ("i_os", None, _BEAT | {"tuser": ("error",)}),
    "s_cmd": ("i_command", None, {"tdata": ("node", "vc", "command")}),
    **{f"s_host_tx{vc}": ("i_host", vc, _BEAT | {"tdest": ("node",)}) for vc in _VCS},
}
_SOURCES: _Streams = {
    "m_mac_tx": ("o_mac", None, _BEAT),
    "m_os_rx": ("o_os", None, _BEAT),
    "m_notice": ("o_notice", None, {"tdata": ("node", "vc", "notice")}),
    **{f"m_host_rx{vc}": ("o_host", vc, _BEAT | {"tuser": ("node", "id")}) for vc in _VCS},
}
LEVELS = {
    "o_ready": "ready",
    "o_free_slots": "free_slots",
    "o_interrupt": "irq",
    "i_node": "node",
    "i_open_id_seed": "open_id_seed",
}
"""Ports of the core that have another name in Verilog: {the core's: Verilog's}."""


class EngineTop(wiring.Component):
    """An engine or a NIC with flat ports; see the table at the top of this file.

    Parameters
    ----------
    core : Component
        What is wrapped: `ttpoe.engine.Engine`, `ttpoe.nic.nic.Nic`,
        `ttpoe.nic.managed.ManagedNic` or `ttpoe.port.port.Port`.

    Attributes
    ----------
    mac : ttpoe.mac.kinds.Kind or None
        What MAC the core has.

    Timing
    ------
    None of its own: wires only.
    """

    def __init__(self, core):
        self._core = core
        self.mac = getattr(core, "mac", None)
        self._pins = {pin.name for pin in self.mac.pins} if self.mac else set()
        members = {}
        for flow in (In, Out):
            for name, inner, _number, fields in self._streams(flow):
                signature = core.signature.members[inner].signature
                payload = signature.members["payload"].shape
                for suffix, parts in fields.items():
                    width = sum(payload[part].width for part in parts)
                    members[f"{name}_{suffix}"] = flow(width)
                members[f"{name}_tvalid"] = flow(1)
                if not signature.always_ready:
                    members[f"{name}_tready"] = flow(1).flip()
        for record in self._records():
            shape = core.signature.members[f"o_{record}"].signature.members["payload"].shape
            members |= {f"{record}_{name}": Out(width) for name, _path, width in flat_fields(shape)}
            members[f"{record}_valid"] = Out(1)
        for name, member in core.signature.members.items():
            if name == "s_axil":
                members |= {
                    port: flow(width)
                    for port, _channel, _part, flow, width in AxiLiteSignature.flat(name)
                }
            elif self._is_plain(name):
                members[name] = member.flow(member.shape)
            elif name in LEVELS:
                members[LEVELS[name]] = member.flow(member.shape)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        m.submodules.core = core = self._core
        for flow in (In, Out):
            for name, inner, number, fields in self._streams(flow):
                port = getattr(core, inner)
                self._stream(m, name, port if number is None else port[number], fields, flow == In)
        for record in self._records():
            inner = getattr(core, f"o_{record}")
            for name, path, _width in flat_fields(inner.p.shape()):
                m.d.comb += getattr(self, f"{record}_{name}").eq(_leaf(inner.p, path))
            m.d.comb += getattr(self, f"{record}_valid").eq(inner.valid)
        for name, member in core.signature.members.items():
            outer = LEVELS[name] if name in LEVELS else name
            if name == "s_axil":
                AxiLiteSignature.connect_flat(m, name, self, core.s_axil)
            elif name in LEVELS or self._is_plain(name):
                inner, outer = getattr(core, name), getattr(self, outer)
                m.d.comb += inner.eq(outer) if member.flow == In else outer.eq(inner)
        return m

    def _records(self):
        return [name for name in ("trace", "law") if f"o_{name}" in self._core.signature.members]

    def _is_plain(self, name):
        """A port that keeps its name and its shape."""
        return name.startswith(("cfg_", "stat_")) or name in self._pins

    def _streams(self, flow):
        """`(AXI name, the core's port, its number, fields)` of those that the core has."""
        for name, (inner, number, fields) in (_SINKS if flow == In else _SOURCES).items():
            if inner in self._core.signature.members:
                yield name, inner, number, fields

    def _stream(self, m, name, inner, fields, inward):
        for suffix, parts in fields.items():
            outer = getattr(self, f"{name}_{suffix}")
            packed = Cat(_leaf(inner.p, (part,)) for part in parts)
            m.d.comb += packed.eq(outer) if inward else outer.eq(packed)
        valid = getattr(self, f"{name}_tvalid")
        m.d.comb += inner.valid.eq(valid) if inward else valid.eq(inner.valid)
        ready = getattr(self, f"{name}_tready", None)
        if ready is not None:
            m.d.comb += ready.eq(inner.ready) if inward else inner.ready.eq(ready)
