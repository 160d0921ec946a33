"""Finding the few texts that matter."""
