"""Tesla's captures: what they hold, and where the engine differs."""
