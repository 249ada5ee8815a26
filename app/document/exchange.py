"""Tracks in and out of a project as YouTube-VIS files: the one module to import for that."""

from app.document.export import Progress, export_dataset
from app.document.export_plan import POLICIES, ExportedFrames, ExportOptions
from app.document.import_tracks import (
    ImportedTrack,
    ImportTracks,
    import_dataset,
    import_results,
    read_dataset_import,
    read_results_import,
    read_video_results_import,
)

__all__ = [
    "POLICIES",
    "ExportOptions",
    "ExportedFrames",
    "ImportTracks",
    "ImportedTrack",
    "Progress",
    "export_dataset",
    "import_dataset",
    "import_results",
    "read_dataset_import",
    "read_results_import",
    "read_video_results_import",
]
