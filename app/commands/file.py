"""Opening, saving a copy, exporting, closing."""

from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from app.opening import Opener
from app.projects import SUFFIX, annotations_filter, media_filter
from app.session import Session
from app.settings import LAST_FOLDER, Settings
from visolo.resources import resource_path

SAMPLE = ("samples", "bikes.mp4")


class FileCommands(QObject):
    """Handlers of the file actions; `parent` is the window that dialogs belong to."""

    def __init__(self, session: Session, opener: Opener, settings: Settings, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._opener, self._settings, self._window = session, opener, settings, parent

    def open(self) -> None:
        """Ask for a file."""
        path, _ = QFileDialog.getOpenFileName(self._window, "Open", self._last_folder(), media_filter())
        if path:
            self._open_chosen(Path(path))

    def open_folder(self) -> None:
        """Ask for a folder of images."""
        path = QFileDialog.getExistingDirectory(self._window, "Open image folder", self._last_folder())
        if path:
            self._open_chosen(Path(path))

    def add_videos(self) -> None:
        """Ask for videos that join the open project."""
        paths, _ = QFileDialog.getOpenFileNames(self._window, "Add videos", self._last_folder(), media_filter())
        self._add([Path(path) for path in paths])

    def add_folder(self) -> None:
        """Ask for a folder whose videos and folders of images, also in folders below, join the open project."""
        path = QFileDialog.getExistingDirectory(self._window, "Add a folder of videos", self._last_folder())
        self._add([Path(path)] if path else [])

    def import_results(self) -> None:
        """Ask for a file of annotations to import into the open project."""
        path, _ = QFileDialog.getOpenFileName(self._window, "Import", self._last_folder(), annotations_filter())
        if path:
            self._opener.import_wanted.emit(Path(path))

    def import_folder(self) -> None:
        """Ask for a folder of annotations to import into the open project."""
        path = QFileDialog.getExistingDirectory(self._window, "Import annotation folder", self._last_folder())
        if path:
            self._opener.import_wanted.emit(Path(path))

    def merge_project(self) -> None:
        """Ask for another person's project whose work shall be taken over."""
        from app.dialogs.merge_project import MergeProjectDialog

        path, _ = QFileDialog.getOpenFileName(
            self._window, "Merge a project", self._last_folder(), f"VISOLO projects (*{SUFFIX})"
        )
        if path:
            self._settings.set(LAST_FOLDER, str(Path(path).parent))
            MergeProjectDialog(self._session, Path(path), self._window).open()

    def open_sample(self) -> None:
        """The sample video."""
        self._opener.open_path(resource_path(*SAMPLE))

    def save(self) -> None:
        """Nothing to do; say so."""
        document = self._session.document
        if document is not None:
            self._session.message.emit(f"All changes are saved already, in {document.path}")

    def save_as(self) -> None:
        """Ask where the project should go on."""
        document = self._session.document
        if document is None:
            return
        start = Path(self._last_folder()) / document.path.name
        path, _ = QFileDialog.getSaveFileName(
            self._window, "Save project as", str(start), f"VISOLO projects (*{SUFFIX})"
        )
        if path:
            target = Path(path)
            self._opener.save_copy(target if target.suffix == SUFFIX else target.with_name(target.name + SUFFIX))

    def export(self) -> None:
        """Write corrected YouTube-VIS JSON."""
        from app.dialogs.export import ExportDialog

        ExportDialog(self._session, self._window).open()

    def quit(self) -> None:
        """Close the window."""
        self._window.close()

    def _add(self, paths: list[Path]) -> None:
        if paths:
            self._settings.set(LAST_FOLDER, str(paths[0].parent))
            self._opener.add_paths(paths)

    def _open_chosen(self, path: Path) -> None:
        self._settings.set(LAST_FOLDER, str(path.parent))
        self._opener.open_path(path)

    def _last_folder(self) -> str:
        return self._settings.get(LAST_FOLDER) or str(Path.home())
