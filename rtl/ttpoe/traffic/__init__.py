"""Traffic that checks itself, and a wire that is not to be trusted: for soaks, also on an FPGA."""
