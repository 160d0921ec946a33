"""Generate(): a use case made into a system. See README.md."""
