"""Panels around the canvas; they meet in Session and do not know each other."""
