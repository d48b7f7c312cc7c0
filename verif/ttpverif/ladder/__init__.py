"""`ttpoe ladder`: the conversation in a capture, in the terminal and as an HTML page.

`capture` reads pcap and pcapng, `decode` makes records of frames, `analysis` marks replays,
duplicates and losses, `terminal` and `page` draw. Needs nothing but the standard library; with
the package `rich` the terminal gets colour.
"""
