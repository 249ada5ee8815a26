"""The Qt-free, torch-free document: one SQLite project with its edits and undo history."""
