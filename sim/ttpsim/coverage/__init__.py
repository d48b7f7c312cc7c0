"""Coverage over the scenarios."""
