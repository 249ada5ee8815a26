"""Edits of what there is: masks, classes, locks, videos."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.document.edit import RoutedEdit
from app.document.images import Cell, Value
from app.document.records import Change, EditRefused, FrameRange, Origin, Video
from app.document.transaction import Transaction
from visolo import rle as rle_masks
from visolo.categories import folded_name
from visolo.class_names import classes_by_name
from visolo.rle import Rle


@dataclass(frozen=True)
class SetMask(RoutedEdit):
    """Draw a track's mask in a frame, or take it away.

    Attributes:
        rle: at the video's size; None or an empty mask takes the instance away.
        category_id: class of the track when it is new.
        origin: who made it; interpolation and following say so.
    """

    track_id: int
    frame_index: int
    rle: Rle | None
    category_id: int | None = None
    origin: Origin = Origin.PERSON

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        done = "Delete mask of" if self._is_removal() else "Edit mask of"
        return f"{done} {self.track_id} on frame {self.frame_index}"

    @property
    def reach(self) -> FrameRange:
        """See `RoutedEdit.reach`."""
        return FrameRange(self.frame_index, self.frame_index)

    def apply_first(self, transaction: Transaction, frames: FrameRange) -> None:
        """See `RoutedEdit.apply_first`."""
        self._check_place(transaction)
        found = transaction.cells(self.video_id, [self.track_id], frames)
        if self._is_removal():
            if not found:
                raise EditRefused(f"Track {self.track_id} has no mask on frame {self.frame_index}")
            transaction.replace_cells(found, [])
            return
        assert self.rle is not None
        mask_id = transaction.add_mask(self.rle)
        if found:
            old = found[0]
            cell = Cell(*old[:4], mask_id, old.score, int(self.origin), 1, old.run_id, old.slot)
        else:
            position = (self.video_id, self.track_id, self.frame_index)
            cell = Cell(*position, mask_id, mask_id, 1.0, int(self.origin), 1, 0, -1)
        transaction.replace_cells(found, [cell])

    def extend(self, transaction: Transaction, frames: FrameRange) -> None:
        """See `RoutedEdit.extend`: it is of one frame, so never."""

    def _is_removal(self) -> bool:
        return self.rle is None or rle_masks.area(self.rle) == 0

    def _check_place(self, transaction: Transaction) -> None:
        video = transaction.document.video(self.video_id)
        if not 0 <= self.frame_index < video.frame_count:
            raise EditRefused(f"There is no frame {self.frame_index}; the video has {video.frame_count} frames")
        if self.rle is not None and self.rle.size != (video.height, video.width):
            height, width = self.rle.size
            raise EditRefused(
                f"The mask is {height} x {width}, the video {video.height} x {video.width}; masks need the video's size"
            )
        if transaction.row("tracks", self.video_id, self.track_id) is not None:
            transaction.require_unlocked(self.video_id, [self.track_id])
        elif self.category_id is None or self._is_removal() or self.track_id < 1:
            raise EditRefused(f"There is no track {self.track_id} in this video")
        else:
            _require_category(transaction, self.category_id)
            transaction.add_track(self.video_id, self.track_id, self.category_id, category_set=True)


@dataclass(frozen=True)
class SetLocked(RoutedEdit):
    """Lock tracks against edits and runs, or unlock them."""

    track_ids: tuple[int, ...]
    locked: bool

    def __post_init__(self) -> None:
        object.__setattr__(self, "track_ids", tuple(sorted(self.track_ids)))

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        return f"{'Lock' if self.locked else 'Unlock'} {_listed(self.track_ids)}"

    @property
    def reach(self) -> FrameRange:
        """See `RoutedEdit.reach`."""
        return FrameRange(0, None)

    def apply_first(self, transaction: Transaction, frames: FrameRange) -> None:
        """See `RoutedEdit.apply_first`."""
        _set_track_column(transaction, self.video_id, self.track_ids, locked=int(self.locked))

    def extend(self, transaction: Transaction, frames: FrameRange) -> None:
        """What a run detects for a track that was locked meanwhile goes to a track of its own."""
        run = transaction.run
        if not self.locked or run is None:
            return
        for track_id in self.track_ids:
            row = transaction.row("tracks", self.video_id, track_id)
            found = [c for c in transaction.cells(self.video_id, [track_id], frames) if c.run_id == run.run_id]
            if found and row is not None and row[2]:
                target = run.overflow_track(transaction, track_id)
                moved = [Cell(cell[0], target, *cell[2:]) for cell in found]
                transaction.replace_cells(found, moved)


@dataclass(frozen=True)
class SetCategory:
    """Choose the class of tracks; model runs do not change it any more."""

    video_id: int
    track_ids: tuple[int, ...]
    category_id: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "track_ids", tuple(sorted(self.track_ids)))

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        return f"Set class of {_listed(self.track_ids)} to class {self.category_id}"

    def apply(self, transaction: Transaction) -> None:
        """See `Edit.apply`."""
        name = _require_category(transaction, self.category_id)
        transaction.require_open(transaction.cells(self.video_id, self.track_ids, FrameRange(0, None)))
        _set_track_column(transaction, self.video_id, self.track_ids, category_id=self.category_id, category_set=1)
        transaction.text = f"Set class of {_listed(self.track_ids)} to {name}"


@dataclass(frozen=True)
class AddCategory:
    """Add a class to the project."""

    category_id: int
    name: str

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        return f"Add class {self.name}"

    def apply(self, transaction: Transaction) -> None:
        """See `Edit.apply`."""
        if self.category_id < 1:
            raise EditRefused(f"Class ids count from 1, {self.category_id} is not one")
        if transaction.row("categories", self.category_id) is not None:
            raise EditRefused(f"Class id {self.category_id} is taken; choose another one")
        name = _free_name(transaction, self.name, self.category_id)
        transaction.put_row("categories", (self.category_id,), (name,))


@dataclass(frozen=True)
class RenameCategory:
    """Give a class another name."""

    category_id: int
    name: str

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        return f"Rename class {self.category_id} to {self.name}"

    def apply(self, transaction: Transaction) -> None:
        """See `Edit.apply`."""
        previous = _require_category(transaction, self.category_id)
        name = _free_name(transaction, self.name, self.category_id)
        transaction.text = f"Rename class {previous} to {name}"
        transaction.put_row("categories", (self.category_id,), (name,))


@dataclass(frozen=True)
class AddVideo:
    """Add a video to the project."""

    video: Video

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        return f"Add video {self.video.name}"

    def apply(self, transaction: Transaction) -> None:
        """See `Edit.apply`."""
        video = self.video
        if video.video_id < 1 or transaction.row("videos", video.video_id) is not None:
            raise EditRefused(f"Video id {video.video_id} is taken or below 1; use the next free id")
        if video.frame_count < 1 or video.height < 1 or video.width < 1:
            raise EditRefused(f"{video.name}: the video has no frames")
        transaction.put_row("videos", (video.video_id,), _video_row(video))


@dataclass(frozen=True)
class RemoveVideo:
    """Take a video with all its tracks out of the project; the file itself stays where it is."""

    video_id: int

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        return f"Remove video {self.video_id}"

    def apply(self, transaction: Transaction) -> None:
        """See `Edit.apply`."""
        video = transaction.document.video(self.video_id)
        transaction.put_row("videos", (self.video_id,), _video_row(video, removed=True))
        transaction.text = f"Remove video {video.name}"


@dataclass(frozen=True)
class SetVideoSource:
    """Say where a video that was moved or renamed is now."""

    video_id: int
    source: str

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        return f"Find video {self.video_id} at {self.source}"

    def apply(self, transaction: Transaction) -> None:
        """See `Edit.apply`."""
        row = _video_row(transaction.document.video(self.video_id))
        transaction.put_row("videos", (self.video_id,), (row[0], self.source, *row[2:]))
        transaction.note(Change(frozenset({self.video_id})))


def _video_row(video: Video, *, removed: bool = False) -> tuple[Value, ...]:
    size = (video.frame_count, video.height, video.width)
    return (video.name, video.source, *size, video.frame_rate, video.pixel_aspect, int(removed))


def _set_track_column(transaction: Transaction, video_id: int, track_ids: Iterable[int], **columns: int) -> None:
    changed = False
    for track_id in track_ids:
        row = transaction.row("tracks", video_id, track_id)
        if row is None:
            raise EditRefused(f"There is no track {track_id} in this video")
        values = dict(zip(("category_id", "category_set", "locked"), row, strict=True)) | columns
        changed = changed or tuple(values.values()) != row
        transaction.put_row("tracks", (video_id, track_id), tuple(values.values()))
    if not changed:
        raise EditRefused("Nothing to change: it is so already" if track_ids else "Select a track first")


def _require_category(transaction: Transaction, category_id: int) -> str:
    """Name of a class that must be there."""
    row = transaction.row("categories", category_id)
    if row is None:
        raise EditRefused(f"There is no class {category_id} in this project; add it first")
    return str(row[0])


def _free_name(transaction: Transaction, name: str, category_id: int) -> str:
    name = name.strip()
    if not name:
        raise EditRefused("A class needs a name")
    others = (category for category in transaction.document.categories() if category.category_id != category_id)
    other = classes_by_name(others).get(folded_name(name))
    if other is not None and folded_name(other.name) == folded_name(name):
        raise EditRefused(f"There is a class {other.name} already")
    if other is not None:
        raise EditRefused(f"{name} is a synonym of {other.name}; take it from there first")
    return name


def _listed(track_ids: tuple[int, ...]) -> str:
    return ("track " if len(track_ids) == 1 else "tracks ") + ", ".join(map(str, track_ids))
