"""10^9 clocks of two engines."""
