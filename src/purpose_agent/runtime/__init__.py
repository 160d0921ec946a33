"""What happens while something runs: events, their record on disk, limits, the blocking façade."""
