"""The cocotb test-bench base: two engines, the wire between them, and rules that always hold.

Import the parts from their files: `bench` (the bench itself, `scenario`), `node` (one engine and
its ports), `ports` (fast access to signals), `pair` (the simulated top). Nothing is imported here,
so that `pair` can be used where no simulator runs.
"""
