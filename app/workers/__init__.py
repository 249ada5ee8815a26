"""Background work; the only part of the app that may import torch."""
