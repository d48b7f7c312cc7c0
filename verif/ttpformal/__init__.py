"""Proofs: every block of the engine beside assertions, for SymbiYosys. See
docs/evidence/formal.md."""
