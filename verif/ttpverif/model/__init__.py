"""The reference model of an endpoint, written from the protocol and the decisions."""
