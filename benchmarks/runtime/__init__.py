"""What the runtime holds and costs: kills, load, checkpoints, slow readers, the distributed engine."""
