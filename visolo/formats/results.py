"""Results files as datasets: predicted tracks in the place of a dataset's own."""

from dataclasses import replace
from pathlib import Path

from visolo.formats.boxes import Boxes
from visolo.formats.exchange import Imported, Progress
from visolo.io.ytvis import Annotation, read_results
from visolo.words import counted


def with_results(imported: Imported, path: Path, least_score: float, progress: Progress) -> Imported:
    """A dataset whose tracks are those of a results file.

    Args:
        imported: the dataset that was tracked; its own tracks are left out.
        path: the results.
        least_score: tracks with a lower score are left out.
        progress: hears how much is done.

    Raises:
        AnnotationError: a result does not fit the dataset; the message names the first offender.
    """
    entries = read_results(path, imported.dataset)
    kept = [entry for entry in entries if entry.score >= least_score]
    annotations = tuple(
        Annotation.of_masks(number, entry.video_id, entry.category_id, entry.segmentations)
        for number, entry in enumerate(kept, start=1)
    )
    notes = [f"The scores of {counted(len(kept), 'prediction')} are left out: a dataset has none."]
    if len(kept) < len(entries):
        notes.append(f"{counted(len(entries) - len(kept), 'prediction')} with a lower score left out.")
    progress(1.0)
    return replace(
        imported, dataset=replace(imported.dataset, annotations=annotations), notes=tuple(notes), boxes=Boxes()
    )
