"""What is measured: one module for each part, with `measure(options) -> Figures`."""
