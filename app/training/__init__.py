"""Training runs as the app sees them: what was chosen, and what the folder of a run says."""
