"""Agents that measurably learn."""
