"""Decoded frames for the screen."""
