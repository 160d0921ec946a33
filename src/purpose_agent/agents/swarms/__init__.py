"""Swarm: many tasks side by side. See README.md."""
