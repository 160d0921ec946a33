"""Sources of tasks to learn from; the README of this folder names each file."""
