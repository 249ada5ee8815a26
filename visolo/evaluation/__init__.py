"""Evaluation: the YouTube-VIS metric, equal to the official numbers."""
