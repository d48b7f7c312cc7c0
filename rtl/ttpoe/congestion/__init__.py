"""Congestion control: receivers announce how many links are backlogged, senders pace by it and keep
a window (section 11, decisions K1 to K14)."""
