"""Runs that move between machines: a checkpointer, an engine and workers on PostgreSQL. The extra `dbos`."""
