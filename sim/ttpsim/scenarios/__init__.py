"""What `make sim` runs: each file has a cocotb test and `RUNS`, the runs of it (`ttpsim.scenario.run`)."""
