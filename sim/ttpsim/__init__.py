"""Runs the engine: scenarios, benches, native programs, synthesis, pages, and the command line."""
