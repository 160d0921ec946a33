"""What is measured: one module for each part, with `measure(options) -> Figures`, and `WANTED`: its figures and what they are."""
