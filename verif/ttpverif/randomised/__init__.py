"""Constrained random: scripts of what two hosts and the network do, drawn, played and shrunk.

`script` is the format, `draw` makes configurations and scripts from a seed, `wire` is the network,
`shrink` makes a failing script short; `bench.player` plays one. See docs/evidence/random.md.
"""
