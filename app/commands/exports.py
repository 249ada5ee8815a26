"""Exports beside the dataset: videos and pictures to look at, masks, tables. Each asks where to, then writes."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from app.session import Session
from app.workers.task import Task


class ExportCommands(QObject):
    """Handlers of the actions that write something to look at; `parent` is the window that dialogs belong to."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._window = session, parent

    # The modules that write are imported when needed: the window opens sooner without them.

    def overlay_video(self) -> None:
        """The video with the tracks drawn on it."""
        from app.document.export_pictures import export_overlay_video

        target = self._ask_file("Overlay video", f"{self._stem()}-overlay.mp4", "Videos (*.mp4 *.mkv *.mov)")
        self._write_pictures("Overlay video", export_overlay_video, target)

    def overlay_images(self) -> None:
        """The frames with the tracks drawn on them, as pictures."""
        from app.document.export_pictures import export_overlay_images

        self._write_pictures("Overlay pictures", export_overlay_images, self._ask_folder("Overlay pictures", "overlay"))

    def mask_images(self) -> None:
        """Pictures whose values are the tracks."""
        from app.document.export_pictures import export_mask_images

        self._write_pictures("Mask pictures", export_mask_images, self._ask_folder("Mask pictures", "masks"))

    def tracks_table(self) -> None:
        """All tracks of all videos as a table."""
        from app.document.export_tracks import export_tracks

        document = self._session.document
        assert document is not None
        target = self._ask_file("Table of tracks", f"{document.path.stem}-tracks.csv", "Tables (*.csv)")
        if target is not None:
            self._write("Table of tracks", partial(export_tracks, document, target), target)

    def notes_table(self) -> None:
        """All notes of all videos as a table."""
        from app.document.export_notes import export_notes

        document = self._session.document
        assert document is not None
        target = self._ask_file("Table of notes", f"{document.path.stem}-notes.csv", "Tables (*.csv)")
        if target is not None:
            self._write("Table of notes", partial(export_notes, document, target), target)

    def report(self) -> None:
        """Numbers and plots of the project as a page."""
        from app.document.statistics_report import write_report

        document = self._session.document
        assert document is not None
        target = self._ask_file("Statistics report", f"{document.path.stem}-statistics.html", "Pages (*.html)")
        if target is not None:
            self._write("Statistics report", partial(write_report, document, target), target)

    def _write_pictures(self, what: str, write: Callable[..., Iterator[object]], target: Path | None) -> None:
        """The marked range of this video, or all of it."""
        from app.document.export_pictures import PictureOptions

        if target is None:
            return
        assert self._session.video is not None
        frames = self._session.range
        options = PictureOptions(target, self._session.video.video_id, frames, self._session.colors.by_class)
        title = what if frames is None else f"{what} {frames}"
        self._write(title, partial(write, self._session.document, options), target)

    def _stem(self) -> str:
        assert self._session.video is not None
        return Path(self._session.video.name).stem or "video"

    def _ask_file(self, title: str, name: str, kinds: str) -> Path | None:
        path, _ = QFileDialog.getSaveFileName(self._window, title, str(self._folder() / name), kinds)
        if not path:
            return None
        return Path(path) if Path(path).suffix else Path(path + Path(name).suffix)

    def _ask_folder(self, title: str, what: str) -> Path | None:
        """A new folder in the one that is chosen."""
        parent = QFileDialog.getExistingDirectory(
            self._window, f"{title}: where to make their folder", str(self._folder())
        )
        if not parent:
            return None
        base = Path(parent) / f"{self._stem()}-{what}"
        number, target = 2, base
        while target.exists():
            number, target = number + 1, base.with_name(f"{base.name}-{number}")
        return target

    def _folder(self) -> Path:
        """Where the video is, else where the project is."""
        document, video = self._session.document, self._session.video
        assert document is not None
        folder = document.path.parent if video is None else document.source_path(video.video_id).parent
        return folder if folder.is_dir() else Path.home()

    def _write(self, title: str, write: Callable[[], Iterator[object]], target: Path) -> None:
        from app.dialogs.writing import WritingDialog

        WritingDialog(title, Task(write), target, self._window).open()
