"""VISOLO Review, the PySide6 app."""
