"""Dialogs: ask a question, return a value, change nothing."""
