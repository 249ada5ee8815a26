"""YouTube-VIS files: datasets (2019, 2021, OVIS) and results. Read strictly, written whole or not at all.

The one module to import; what a file means is in `ytvis_types`, how it is read and checked in `ytvis_read`, how it is
written in `ytvis_write`.
"""

from visolo.io.ytvis_read import read_dataset, read_results
from visolo.io.ytvis_types import Annotation, BoundingBox, Dataset, ResultEntry, Segmentations, Video
from visolo.io.ytvis_write import write_dataset, write_results

__all__ = [
    "Annotation",
    "BoundingBox",
    "Dataset",
    "ResultEntry",
    "Segmentations",
    "Video",
    "read_dataset",
    "read_results",
    "write_dataset",
    "write_results",
]
