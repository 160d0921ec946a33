"""Scripts that print every number we state."""
