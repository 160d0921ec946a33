"""Does it learn: the instrument that can say no."""
