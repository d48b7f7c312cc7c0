"""From a configuration to a simulator that can be started."""
