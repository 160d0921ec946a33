"""What agents together are worth: swarms, plans of calls, councils, teams, routing, generated systems."""
