"""The commands of `python -m visolo`, one module each: options and what they do. Torch only where it is needed."""
