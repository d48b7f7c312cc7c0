"""How the engine leaves: Verilog, its ports and tops, and what another project needs."""
