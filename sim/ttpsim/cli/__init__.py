"""Commands of `ttpoe` that need a checkout."""
