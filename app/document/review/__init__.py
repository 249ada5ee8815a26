"""The review list's brain: what in a project is probably wrong, from stored evidence and geometry."""
