"""Datasets in any format and results as tracks of the project: read and checked first, then one undoable edit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.document.classes import add_category, match_categories
from app.document.content_edits import AddVideo
from app.document.history import History
from app.document.images import Cell
from app.document.import_videos import PlacedVideos, placed_videos
from app.document.queries import Queries
from app.document.records import Category, Change, EditRefused, Origin, Video
from app.document.transaction import Transaction
from visolo import rle as rle_masks
from visolo.categories import LabelSet
from visolo.errors import AnnotationError
from visolo.formats.all_images import with_all_images
from visolo.formats.catalogue import read_any, recognized
from visolo.formats.coco import is_of_stills
from visolo.formats.exchange import Imported, Progress, silent
from visolo.io import ytvis
from visolo.rle import Rle
from visolo.words import counted


@dataclass(frozen=True, eq=False)
class ImportedTrack:
    """One track to be added: a mask or None for each frame of its video, and a score in [0, 1].

    Attributes:
        are_boxes: what stand for masks are filled boxes; see `Origin.BOX`.
    """

    video_id: int
    category_id: int
    score: float
    segmentations: Sequence[Rle | None]
    are_boxes: bool = False


@dataclass(frozen=True, eq=False)
class ImportTracks:
    """Add videos, classes and tracks that were read from a file; tracks get the next free ids in this order.

    Attributes:
        notes: what the file holds that could not be taken, one sentence each.
    """

    text: str
    videos: tuple[Video, ...]
    categories: tuple[Category, ...]
    tracks: tuple[ImportedTrack, ...]
    notes: tuple[str, ...] = ()

    @property
    def box_count(self) -> int:
        """Boxes without masks among the tracks."""
        return sum(rle is not None for track in self.tracks if track.are_boxes for rle in track.segmentations)

    @property
    def all_notes(self) -> tuple[str, ...]:
        """The notes, and what is to be said of boxes."""
        if not self.box_count:
            return self.notes
        return (
            f"{counted(self.box_count, 'box', 'boxes')} without masks: run the model, and what it finds in a box"
            " becomes the mask of its track. Boxes are never exported.",
            *self.notes,
        )

    def apply(self, transaction: Transaction) -> None:
        """See `Edit.apply`."""
        for category in self.categories:
            add_category(transaction, category)
        for video in self.videos:
            AddVideo(video).apply(transaction)
        added = False
        for track in self.tracks:
            cells = _cells(transaction, track)
            transaction.replace_cells([], cells)
            added = added or bool(cells)
        if not added and not self.videos:
            raise EditRefused("The file holds no mask, so there is nothing to import")


def import_dataset(history: History, path: Path, images: Path | None = None) -> Change:
    """Add the videos and tracks of a dataset in any format, as one entry.

    Args:
        history: of the open project.
        path: the file or folder.
        images: folder that its `file_names` count from; found beside the file when None.

    Raises:
        AnnotationError: the file is not such a dataset.
        MediaError: a video's folder holds other images than the file names.
        EditRefused: its videos are in the project already.
    """
    return history.do(read_dataset_import(history.document, path, images))


def import_results(
    history: History,
    path: Path,
    *,
    dataset: Path | None = None,
    images: Path | None = None,
    video_id: int | None = None,
    label_set: LabelSet | None = None,
) -> Change:
    """Add a model's results as tracks, as one entry: either with the videos of `dataset`, or to one video.

    Args:
        history: of the open project.
        path: the results JSON.
        dataset: the dataset JSON that the results are of; its videos are added.
        images: see `import_dataset`.
        video_id: the project's video that all results are of.
        label_set: what the results' class ids mean; the dataset's or the project's own classes when None.

    Raises:
        AnnotationError: a file is wrong, or number or size of the masks do not fit the video.
        EditRefused: the dataset's videos are in the project already, or there is nothing to import.
    """
    if dataset is not None:
        return history.do(read_results_import(history.document, path, dataset, images))
    if video_id is None:
        raise ValueError("give the dataset or the video that the results are of")
    return history.do(read_video_results_import(history.document, path, video_id, label_set))


def read_dataset_import(
    queries: Queries, path: Path, images: Path | None = None, progress: Progress = silent
) -> ImportTracks:
    """The edit of `import_dataset`, for callers that read on another thread; raises the same.

    Args:
        queries: of the project.
        path: see `import_dataset`.
        images: see `import_dataset`.
        progress: hears how much is read, in [0, 1]; whatever it raises stops the reading.
    """
    imported = _read_whole_videos(path, images, progress)
    dataset = imported.dataset
    placed = placed_videos(queries, dataset, path, imported.images or images)
    categories, category_ids = match_categories(queries, dataset.categories)
    tracks = _tracks(placed, category_ids, [(annotation, 1.0) for annotation in dataset.annotations])
    boxes = _tracks(placed, category_ids, [(track, 1.0) for track in imported.boxes.tracks], are_boxes=True)
    crowds = sum(a.iscrowd for a in dataset.annotations)
    note = f"; {counted(crowds, 'crowd annotation')} became plain" if crowds else ""
    notes = (*((imported.boxes.note,) if not boxes else ()), *imported.notes, *placed.notes)
    text = _text(path, placed.new, (*tracks, *boxes)) + note
    return ImportTracks(text, placed.new, categories, (*tracks, *boxes), tuple(filter(None, notes)))


def _read_whole_videos(path: Path, images: Path | None, progress: Progress) -> Imported:
    """A dataset whose videos are those of the project: folders of images with all that is in them."""
    name = recognized(path)
    if name == "ytvis":  # names all its frames; where they are, is looked for below
        return Imported(ytvis.read_dataset(path, progress))
    if name == "coco-stills" and not is_of_stills(path):
        name = "coco"  # images without a word of videos are the frames of one, unless they cannot be
    imported = read_any(path, name, images, progress)
    return imported if name == "coco-stills" else with_all_images(imported)


def read_results_import(queries: Queries, path: Path, dataset_path: Path, images: Path | None = None) -> ImportTracks:
    """The edit of `import_results` with a dataset; raises the same."""
    dataset = ytvis.read_dataset(dataset_path)
    entries = ytvis.read_results(path, dataset)
    placed = placed_videos(queries, dataset, dataset_path, images)
    categories, category_ids = match_categories(queries, dataset.categories)
    tracks = _tracks(placed, category_ids, [(entry, entry.score) for entry in entries])
    return ImportTracks(_text(path, placed.new, tracks), placed.new, categories, tracks, placed.notes)


def read_video_results_import(
    queries: Queries, path: Path, video_id: int, label_set: LabelSet | None = None
) -> ImportTracks:
    """The edit of `import_results` with one video; raises the same."""
    video = queries.video(video_id)
    entries = ytvis.read_results(path, polygon_size=(video.height, video.width))
    if len({e.video_id for e in entries}) > 1:
        raise AnnotationError(f"{path}: holds results of several videos; open it together with its dataset file")
    known = label_set.categories if label_set else queries.categories()
    categories, category_ids = match_categories(queries, known)
    for index, entry in enumerate(entries):
        _check_fit(entry, f"{path}: entry [{index}]", video)
        if entry.category_id not in category_ids:
            raise AnnotationError(
                f"{path}: entry [{index}] has the class {entry.category_id}, which is not among the classes"
                f" of {label_set.name if label_set else 'this project'}; choose the label set it was made with"
            )
    tracks = tuple(ImportedTrack(video_id, category_ids[e.category_id], e.score, e.segmentations) for e in entries)
    used = {t.category_id for t in tracks}
    return ImportTracks(_text(path, (), tracks), (), tuple(c for c in categories if c.category_id in used), tracks)


def _cells(transaction: Transaction, track: ImportedTrack) -> list[Cell]:
    masks = {index: rle for index, rle in enumerate(track.segmentations) if rle is not None and rle_masks.area(rle) > 0}
    if not masks:
        return []
    track_id = transaction.document.next_track_id(track.video_id)
    # Of a track of boxes the file knows the class; the model that finds its masks may not.
    transaction.add_track(track.video_id, track_id, track.category_id, category_set=track.are_boxes)
    origin = int(Origin.BOX if track.are_boxes else Origin.IMPORTED)
    cells = []
    for frame_index, rle in masks.items():
        mask_id = transaction.add_mask(rle)
        position = (track.video_id, track_id, frame_index)
        cells.append(Cell(*position, mask_id, mask_id, track.score, origin, 0, 0, -1))
    return cells


def _tracks(
    placed: PlacedVideos,
    category_ids: Mapping[int, int],
    found: Sequence[tuple[ytvis.Annotation | ytvis.ResultEntry, float]],
    *,
    are_boxes: bool = False,
) -> tuple[ImportedTrack, ...]:
    """What was found in a file's videos, with scores, as tracks of the project's, which may begin before."""
    tracks = []
    for item, score in found:
        video_id, first = placed.places[item.video_id]
        masks = (*[None] * first, *item.segmentations) if first else item.segmentations
        tracks.append(ImportedTrack(video_id, category_ids[item.category_id], score, masks, are_boxes))
    return tuple(tracks)


def _check_fit(entry: ytvis.ResultEntry, where: str, video: Video) -> None:
    if len(entry.segmentations) != video.frame_count:
        raise AnnotationError(
            f"{where} has {len(entry.segmentations)} masks, {video.name} has {video.frame_count} frames;"
            " choose the results of this video"
        )
    size = next((rle.size for rle in entry.segmentations if rle is not None), (video.height, video.width))
    if size != (video.height, video.width):
        raise AnnotationError(
            f"{where}: its masks are {size[0]} x {size[1]}, {video.name} is {video.height} x {video.width};"
            " export the results at the video's size"
        )


def _text(path: Path, videos: Sequence[Video], tracks: Sequence[ImportedTrack]) -> str:
    parts = [counted(len(videos), "video")] if videos else []
    return f"Import {path.name}: {', '.join([*parts, counted(len(tracks), 'track')])}"
