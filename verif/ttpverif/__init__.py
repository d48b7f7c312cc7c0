"""Verification of the TTP engine: frames, reference model, network, scoreboard.

Written from the protocol and from docs/protocol/decisions.md, never from the hardware: nothing here
imports `ttpoe`, so an error in one of the two shows as a difference between them.
"""
