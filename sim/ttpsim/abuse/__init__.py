"""Bad frames, forged frames, floods, resets at any clock."""
