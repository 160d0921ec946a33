"""Team: members who hand on their work. See README.md."""
