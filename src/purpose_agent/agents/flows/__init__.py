"""Flow: a graph of functions and agents. See README.md."""
