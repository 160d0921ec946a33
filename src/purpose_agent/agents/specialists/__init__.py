"""AgentTeam: each task for one specialist. See README.md."""
