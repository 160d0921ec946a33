"""What is measured of Φ, a module each."""
