"""Many engines behind switches."""
