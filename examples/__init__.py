"""One file or folder a story, each run by a test."""
