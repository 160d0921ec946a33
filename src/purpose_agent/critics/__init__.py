"""How a step is scored: Φ."""
