"""The coverage plan: states, opcodes and functional points."""
