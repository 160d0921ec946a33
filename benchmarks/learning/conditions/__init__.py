"""Ways to learn, or not to, behind one interface: `benchmarks.learning.protocol.Condition`."""
