"""Training: targets, losses, clips, the loop (paper 4.5 and 5.1)."""
