"""One class per tool: mouse events in, one Edit out."""
