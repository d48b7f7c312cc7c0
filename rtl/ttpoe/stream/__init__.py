"""Blocks that carry beats and events, with no knowledge of TTP."""
