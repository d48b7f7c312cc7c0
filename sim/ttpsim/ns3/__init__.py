"""`ttpoe compare`: TTP beside TCP in ns-3, on the same network. `docs/evidence/ns3.md`."""
