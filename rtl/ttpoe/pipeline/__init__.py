"""Q0 to Q3: one event enters in every clock (the protocol's section 5.1)."""
