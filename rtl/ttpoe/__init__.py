"""The Tesla Transport Protocol (TTP) engine: a reliable transport over Ethernet, in hardware.

Read in this order: `config` (what can be chosen), `protocol` (what is on the wire), `layouts`
(what flows between the blocks), `link.fsm` (what a link does on each event), `engine` (how the
blocks are joined). `docs/design/architecture.md` follows a packet through the files.
"""
