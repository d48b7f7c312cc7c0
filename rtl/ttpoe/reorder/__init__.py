"""The receiver's half of selective replay: packets kept behind a gap (section 5.3)."""
