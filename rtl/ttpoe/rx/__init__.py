"""From the MAC to the host: frame check, header parse, receive memory, delivery."""
