"""`make demo`: two NICs on a bad wire, live in the terminal, and a picture at the end."""
