"""Checking annotation files completely: every broken rule with its place, and mending what needs no guess."""
