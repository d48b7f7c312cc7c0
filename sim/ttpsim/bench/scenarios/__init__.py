"""What the benches simulate."""
