"""The documentation site: `make docs` puts it into build/docs.

Pages of docs/ are taken as they are; pages on blocks, states, configuration and performance are
made from the hardware's docstrings, its state table, its presets and the measurements.
"""
