"""MOTS as text: a file for every video, a line for every mask: frame, id, class, height, width, RLE."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from visolo import rle as rle_module
from visolo.errors import AnnotationError
from visolo.formats import mots
from visolo.formats.exchange import Carried, Imported, Progress, part_of
from visolo.formats.frame_folders import images_by_stem
from visolo.formats.tracks import TrackTable
from visolo.formats.video_names import in_order
from visolo.io.images import image_size, natural_key
from visolo.io.ytvis import Annotation, Dataset, Video
from visolo.rle import Rle
from visolo.rle_check import checked_all
from visolo.words import counted

_FOLDER = "instances_txt"
_SEQMAP = "videos.seqmap"
_MAX_FRAMES = 1_000_000


def read_mots_txt(path: Path, images: Path | None, progress: Progress) -> Imported:
    """Read text files of masks.

    Frames are those of the images where they are found, or those that a .seqmap names; else they are counted up to the
    last that has a mask: from 0, or from 1 where no video has a mask in frame 0.

    Args:
        path: one file, or the folder of them, or the dataset that holds instances_txt/.
        images: folder with a folder of images for every video; None looks in images/ beside.
        progress: hears how much is done.

    Raises:
        AnnotationError: a line is not of this form, or its mask is damaged.
    """
    files = _text_files(path)
    spans = _read_seqmap(path)
    roots = [images] if images else mots.images_beside(path)
    texts = [_read_text(file, progress, position / len(files)) for position, file in enumerate(files)]
    guess = 0 if any(row.frame == 0 for text in texts for row in text.rows) else 1
    root = next((r.resolve() for r in roots if any(images_by_stem(r / text.path.stem) for text in texts)), None)
    is_guessed = False
    videos = []
    for video_id, text in enumerate(texts, start=1):
        name = text.path.stem
        frames = _image_frames(root / name) if root is not None else {}
        if not frames:
            is_guessed = is_guessed or name not in spans
            last = max((row.frame for row in text.rows), default=guess)
            first, last = spans.get(name, (guess, last))
            frames = {number: f"{number:06d}.jpg" for number in range(first, last + 1)}
        videos.append(_video(video_id, text, frames, root))
    notes = ["MOTS names its classes by numbers only."]
    if is_guessed:
        notes.append(
            f"No images were found beside, so frames are counted from {guess} to the last with a mask;"
            " name the folder of the images to have them all."
        )
    progress(1.0)
    return Imported(mots.mots_dataset(videos), root, tuple(notes))


def carry_mots_txt(dataset: Dataset, progress: Progress) -> Carried:
    """As `mots.carry_mots`, but without videos that have no mask: nothing would tell their size."""
    carried = mots.carry_mots(dataset, progress)
    used = {a.video_id for a in carried.dataset.annotations}
    videos = tuple(video for video in carried.dataset.videos if video.video_id in used)
    count = len(dataset.videos) - len(videos)
    note = f"{counted(count, 'video')} without masks left out: a text file without lines tells no size."
    notes = (*carried.notes, note) if count else carried.notes
    return Carried(replace(carried.dataset, videos=videos), notes)


def write_mots_txt(folder: Path, dataset: Dataset, progress: Progress) -> None:
    """Write instances_txt/<video>.txt, and a .seqmap with the frames of every video.

    Args:
        folder: an empty one.
        dataset: as `carry_mots_txt` made it.
        progress: hears how much is done.
    """
    (folder / _FOLDER).mkdir()
    spans = []
    pairs = in_order(dataset)
    for position, (video, name) in enumerate(pairs):
        tracks = [a for a in dataset.annotations if a.video_id == video.video_id]
        numbers = mots.frame_numbers(video)
        ids = mots.object_ids(tracks)
        step = part_of(progress, position / len(pairs), (position + 1) / len(pairs))
        with (folder / _FOLDER / f"{name}.txt").open("w", encoding="ascii", newline="\n") as file:
            for frame_index, number in enumerate(numbers):
                for object_id, track in ids:
                    if (rle := track.segmentations[frame_index]) is not None:
                        file.write(_line(number, object_id, track, rle))
                step((frame_index + 1) / video.length)
        spans.append(f"{name} empty {numbers[0]:06d} {numbers[-1]:06d}\n")
    (folder / _SEQMAP).write_text("".join(spans), encoding="utf-8")


def looks_like_mots_txt(path: Path) -> bool:
    """Whether a file, or the first text file in a folder, begins with a line of this form."""
    try:
        with _text_files(path)[0].open(encoding="ascii") as file:
            return len(file.readline(10_000).split()) == 6
    except (AnnotationError, OSError, ValueError):
        return False


class _Row(NamedTuple):
    """One line of a file."""

    line: int
    frame: int
    object_id: int
    class_id: int
    rle: Rle


class _Text(NamedTuple):
    """One file, its masks checked."""

    path: Path
    rows: list[_Row]


def _text_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    folder = path / _FOLDER if (path / _FOLDER).is_dir() else path
    files = [p for p in folder.iterdir() if p.suffix.lower() == ".txt"] if folder.is_dir() else []
    if not files:
        raise AnnotationError(f"{path}: holds no text files of masks; name the folder of the dataset")
    return sorted(files, key=lambda p: natural_key(p.name))


def _read_text(path: Path, progress: Progress, done: float) -> _Text:
    progress(done)
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise AnnotationError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
    except ValueError as error:
        raise AnnotationError(f"{path}: is not a MOTS text file (it is not ASCII); choose another file") from error
    rows = [_row(line, f"{path}: line {number}", number) for number, line in enumerate(lines, start=1) if line.strip()]
    checked = checked_all([row.rle for row in rows], lambda index: f"{path}: line {rows[index].line}")
    seen: dict[tuple[int, int], int] = {}
    for row in rows:
        before = seen.setdefault((row.frame, row.object_id), row.line)
        if before != row.line and row.object_id != mots.IGNORED_ID:
            raise AnnotationError(
                f"{path}: line {row.line} is a second mask of object {row.object_id} in frame {row.frame},"
                f" after line {before}; keep one"
            )
        if row.rle.size != rows[0].rle.size:
            raise AnnotationError(f"{path}: line {row.line} has another size than line {rows[0].line}; they must agree")
    return _Text(path, [row._replace(rle=rle) for row, rle in zip(rows, checked.rles, strict=True)])


def _row(line: str, where: str, number: int) -> _Row:
    parts = line.split()
    if len(parts) != 6 or not all(part.isdecimal() for part in parts[:5]):
        raise AnnotationError(f"{where} is not 'frame id class height width rle'; export the file again")
    if any(len(part) > 9 for part in parts[:5]) or int(parts[0]) >= _MAX_FRAMES:
        raise AnnotationError(f"{where} holds a number that is too large; export the file again")
    frame, object_id, class_id, height, width = map(int, parts[:5])
    size = rle_module.checked_size([height, width], where)
    return _Row(number, frame, object_id, class_id, Rle(size, parts[5]))


def _read_seqmap(path: Path) -> dict[str, tuple[int, int]]:
    """First and last frame by video, from the one .seqmap of a dataset; nothing where there is none."""
    folders = [path, path.parent] if path.is_dir() else [path.parent, path.parent.parent]
    found = next((maps for folder in folders if (maps := sorted(folder.glob("*.seqmap")))), [])
    if len(found) != 1:
        return {}
    spans = {}
    for number, line in enumerate(found[0].read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        parts = line.split()
        if not parts:
            continue
        is_sound = len(parts) == 4 and all(p.isdecimal() and len(p) < 10 for p in parts[2:])
        if not is_sound or not int(parts[2]) <= int(parts[3]) < _MAX_FRAMES:
            raise AnnotationError(f"{found[0]}: line {number} is not 'video empty first last'; mend or remove it")
        spans[parts[0]] = (int(parts[2]), int(parts[3]))
    return spans


def _image_frames(folder: Path) -> dict[int, str]:
    """The images in a folder by the numbers in their names."""
    found = images_by_stem(folder)
    return {int(stem): path.name for stem, path in found.items() if stem.isdecimal() and len(stem) < 10}


def _video(video_id: int, text: _Text, frames: Mapping[int, str], root: Path | None) -> tuple[Video, TrackTable]:
    name = text.path.stem
    index_of = {number: index for index, number in enumerate(frames)}
    table = TrackTable()
    for row in text.rows:
        if row.frame not in index_of:
            raise AnnotationError(
                f"{text.path}: line {row.line} is of frame {row.frame}, which is not among the frames of {name}"
                f" ({min(frames)} to {max(frames)}); check the images or the .seqmap"
            )
        mots.add_object(table, row.object_id, row.class_id, index_of[row.frame], row.rle)
    names = tuple(f"{name}/{file}" for file in frames.values())
    if text.rows:
        height, width = text.rows[0].rle.size
    elif root is not None and (root / names[0]).is_file():
        height, width = image_size(root / names[0])
    else:
        raise AnnotationError(f"{text.path}: has no masks and no images beside to tell its size; name the images")
    return Video(video_id, width, height, len(frames), names), table


def _line(number: int, object_id: int, track: Annotation, rle: Rle) -> str:
    height, width = rle.size
    return f"{number} {object_id} {track.category_id} {height} {width} {rle.counts}\n"
