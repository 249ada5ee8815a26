"""What actions do: one file of handlers per subject, and the conditions under which each is possible."""
