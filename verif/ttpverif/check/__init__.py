"""Checks that follow a simulation: lockstep with the model, the scoreboard, the trace."""
