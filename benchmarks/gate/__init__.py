"""What passes the gate, at what cost, and what doesn't: the instrument that can say no."""
