"""Mutation score: single-point mutations of the netlist, and which tests see them."""
