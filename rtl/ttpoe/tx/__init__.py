"""From the host to the MAC: slot writer, slot reader, frame builder, transmit arbiter."""
