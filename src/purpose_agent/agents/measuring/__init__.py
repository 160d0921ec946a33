"""Lift(): what learning is worth on your tasks. See README.md."""
