"""What to export, as a form: videos, classes with what becomes of each, frames, file."""

from collections import Counter
from pathlib import Path
from typing import cast

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QLabel,
    QWidget,
)

from app.dialogs.export_preview import OWN_CLASSES, ClassMappingTable, UnknownClasses, class_mappings
from app.dialogs.export_split import SplitFields
from app.dialogs.form_parts import PathLine, choice_box, counted, form_layout
from app.document.document import Document
from app.document.exchange import ExportedFrames, ExportOptions
from app.document.export_plan import has_images
from app.document.records import Video
from app.workers.export import VideoContents
from visolo.categories import label_set_names
from visolo.formats.names import FORMAT_NAMES, write_names

_TITLES = {"ytvis2019": "YouTube-VIS 2019", "ytvis2021": "YouTube-VIS 2021", "ovis": "OVIS", "lite": "VISOLO lite"}
_FIRST_SETS = ("ytvis2019", "ytvis2021")
_POLICIES: dict[ExportedFrames, str] = {
    "all": "All frames, corrected or not",
    "confirmed-videos": "Only videos that are confirmed to their ends",
    "confirmed-ranges": "Only confirmed frames, each range as a video of its own",
}
_UNKNOWN = {"drop": "Leave their tracks out", "keep": "Add these classes to the set"}


class ExportForm(QWidget):
    """The choices of an export.

    Signals:
        changed: something else would be written now.
    """

    changed = Signal()

    def __init__(self, document: Document, video: Video | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._contents: dict[tuple[int, ExportedFrames], VideoContents] = {}
        self._is_counted = False
        self._track_count, self._dropped_count = 0, 0
        titles = {name: FORMAT_NAMES[name].title for name in write_names()}
        self._format = choice_box("exportFormat", "Format of what is written", titles, "ytvis")
        self._videos = _videos_box(document.videos(), video)
        self._policy = choice_box("exportPolicy", "Which frames to export", _POLICIES)
        self._classes = _classes_box()
        self._unknown = choice_box("exportUnknown", "What happens to classes that the set lacks", _UNKNOWN)
        self._unknown_label = QLabel("Classes it lacks")
        self._preview = ClassMappingTable()
        self._preview.setMinimumHeight(140)
        self._frames = QCheckBox("Also write the frames as JPEG images")
        self._frames.setObjectName("exportFrames")
        self._frames.setToolTip("Training needs them; they go to JPEGImages beside the file, or into the folder")
        self._links = QCheckBox("Link to the images of image folders instead of copying them")
        self._links.setObjectName("exportLinks")
        self._links.setToolTip("Quick and small; the images must stay where they are")
        self._split, self._split_label, self._images_label = SplitFields(), QLabel("Split"), QLabel("Images")
        self._target = PathLine("exportTarget", "File to write", str(_proposed_target(document, video)))
        self._target.browse_wanted.connect(self._browse)
        self._format.currentIndexChanged.connect(self._fit_target)
        for box in (self._format, self._videos, self._policy, self._classes, self._unknown):
            box.currentIndexChanged.connect(self._describe)
        for tick in (self._frames, self._links):
            tick.toggled.connect(self._describe)
        self._split.changed.connect(self._describe)
        self._target.line.textChanged.connect(self._describe)
        self._lay_out()
        self._describe()

    def take_contents(self, contents: VideoContents) -> None:
        """What one video holds."""
        self._contents[contents.video_id, contents.frames] = contents

    def take_all_contents(self) -> None:
        """All videos have been counted."""
        self._is_counted = True
        self._describe()

    def options(self) -> ExportOptions:
        """The choices as the export takes them."""
        unknown = cast(UnknownClasses, self._unknown.currentData())
        return ExportOptions(
            target=self.target(),
            video_ids=self._videos.currentData(),
            format=self._format.currentData(),
            label_set=self._classes.currentData(),
            unknown_classes=unknown if self._unknown.isVisibleTo(self) else "refuse",
            frames=self._policy.currentData(),
            with_frames=self._writes_frames(),
            link_images=self._writes_frames() and self._links.isChecked() and self._has_folders(),
            validation_share=self._split.share() if self._can_split() else 0.0,
            seed=self._split.seed(),
        )

    def target(self) -> Path:
        """The file to write."""
        return Path(self._target.text())

    def targets(self) -> tuple[Path, ...]:
        """The files that would be written: one, or two when the videos are split."""
        return self.options().targets

    def problem(self) -> str:
        """Why nothing can be written with these choices; empty when it can."""
        if not self._is_counted:
            return "Counting tracks…"
        return self._target_problem() or self._content_problem()

    def _target_problem(self) -> str:
        target, kind = self.target(), FORMAT_NAMES[self._format.currentData()]
        is_file = kind.is_file(target)
        if not self._target.text() or (is_file and target.is_dir()):
            return "Choose the name of a file to write"
        if not is_file and any(one.exists() and not _is_empty_folder(one) for one in self.targets()):
            return f"{target}: there is something there already; name a new folder"
        if kind.is_per_video and is_file and sum(c.entry_count for c in self._chosen()) > 1:
            return f"{kind.title} has a file for every video: name a folder, without {kind.suffix}"
        return "" if target.parent.is_dir() else f"{target.parent}: there is no such folder; choose another one"

    def _content_problem(self) -> str:
        chosen = self._chosen()
        if not chosen and self._policy.currentData() != "all":
            return (
                "Nothing of these videos is confirmed like that: confirm (C) what you have reviewed, or choose others"
            )
        if self._can_split() and not self._split.leaves_both(len(chosen)):
            return f"{counted(len(chosen), 'video')} cannot be split like that; choose a share nearer to a half"
        if not self._track_count and not self._writes_frames():
            return "There is no track to export: run the model first, or choose other videos or classes"
        return ""

    def sentence(self, verb: str) -> str:
        """E.g. "Writes 5 tracks of 1 video and 412 images; 2 tracks left out."."""
        chosen = self._chosen()
        entry_count = sum(c.entry_count for c in chosen)
        text = f"{verb} {counted(self._track_count, 'track')} of {counted(entry_count, 'video')}"
        if entry_count > len(chosen):
            text += f" cut from {len(chosen)}"
        if self._writes_frames():
            text += f" and {counted(sum(c.frame_count for c in chosen), 'image')}"
        if len(self.targets()) > 1:
            text += f" to {' and '.join(target.name for target in self.targets())}"
        return f"{text}; {counted(self._dropped_count, 'track')} left out." if self._dropped_count else f"{text}."

    def _writes_frames(self) -> bool:
        return has_images(self._format.currentData()) and self._frames.isChecked()

    def _fit_target(self) -> None:
        """Give the target the ending of the format."""
        if self._target.text():
            kind, target = FORMAT_NAMES[self._format.currentData()], self.target()
            self._target.line.setText(str(target.with_suffix("" if kind.is_per_video else kind.suffix)))

    def _lay_out(self) -> None:
        form = form_layout(self)
        form.addRow("Format", self._format)
        form.addRow("Videos", self._videos)
        form.addRow("Frames", self._policy)
        form.addRow("Classes", self._classes)
        form.addRow("", self._preview)
        form.addRow(self._unknown_label, self._unknown)
        form.addRow(self._images_label, self._frames)
        form.addRow("", self._links)
        form.addRow(self._split_label, self._split)
        form.addRow("File or folder", self._target)

    def _browse(self) -> None:
        kind = FORMAT_NAMES[self._format.currentData()]
        kinds = f"{kind.title} (*{kind.suffix})" if kind.suffix else "New folders (*)"
        path, _ = QFileDialog.getSaveFileName(self, "Export", self._target.text(), kinds)
        if path:
            has_suffix = kind.is_per_video or path.lower().endswith(kind.suffix)
            self._target.line.setText(path if has_suffix else path + kind.suffix)

    def _chosen(self) -> list[VideoContents]:
        """What is exported of every video of which anything is."""
        wanted, policy = self._videos.currentData(), self._policy.currentData()
        found = (c for (video_id, _), c in self._contents.items() if wanted is None or video_id in wanted)
        return [contents for contents in found if contents.frames == policy and contents.entry_count]

    def _can_split(self) -> bool:
        return len(self._chosen()) > 1

    def _has_folders(self) -> bool:
        """Whether a chosen video is a folder of images."""
        return any(self._document.source_path(contents.video_id).is_dir() for contents in self._chosen())

    def _describe(self) -> None:
        counts: Counter[int] = Counter()
        for contents in self._chosen():
            counts.update(contents.track_counts)
        mappings = class_mappings(self._document.categories(), counts, self._classes.currentData())
        missing = [m for m in mappings if m.target is None]
        unknown = cast(UnknownClasses, self._unknown.currentData())
        self._preview.show_mappings(mappings, unknown)
        self._unknown.setVisible(bool(missing))
        self._unknown_label.setVisible(bool(missing))
        self._frames.setVisible(has_images(self._format.currentData()))
        self._images_label.setVisible(has_images(self._format.currentData()))
        self._links.setVisible(self._writes_frames() and self._has_folders())
        self._split.setVisible(self._can_split())
        self._split_label.setVisible(self._can_split())
        self._dropped_count = sum(m.track_count for m in missing) if unknown == "drop" else 0
        self._track_count = counts.total() - self._dropped_count
        self.changed.emit()


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _videos_box(videos: list[Video], video: Video | None) -> QComboBox:
    choices: dict[object, str] = {}
    if video is not None:
        choices[(video.video_id,)] = f"This video: {video.name}"
    if len(videos) > 1 or video is None:
        choices[None] = f"All {len(videos)} videos"
    return choice_box("exportVideos", "Videos to export", choices)


def _classes_box() -> QComboBox:
    names = [*_FIRST_SETS, *(name for name in label_set_names() if name not in _FIRST_SETS)]
    titles = {name: _TITLES.get(name, name) for name in names}
    return choice_box("exportClasses", "Classes of the file", {OWN_CLASSES: "The project's own classes", **titles})


def _proposed_target(document: Document, video: Video | None) -> Path:
    if video is None:
        return document.path.with_name(f"{document.path.stem}-corrected.json")
    source = document.source_path(video.video_id)
    return source.parent / f"{source.stem}-corrected.json"
