"""Who does the work, alone or in a team, and the workspace where the parts are assembled."""
