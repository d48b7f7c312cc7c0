"""The Tesla Transport Protocol (TTP) engine: a reliable transport over Ethernet, in hardware.

Read in this order: `config` (what can be chosen), `protocol` (what is on the wire), `layouts`
(what flows between the blocks), `link.state_table` (what a link does on each event), `engine` (how the
blocks are joined). `docs/design/architecture.md` follows a packet through the files.

"Section N" in a comment is a section of `docs/protocol/protocol.md`; "decision" and a letter with a
number is a rule of `docs/protocol/decisions.md`; "claim S1" to S15 are in
`docs/protocol/claims.md`; "design rule N" is in `docs/design/rules.md`.
"""
