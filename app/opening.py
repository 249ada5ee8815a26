"""Opening what a person hands over: video, image folder, annotations, project. The old stays till new is there."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from app.annotation_paths import annotations_at
from app.document.document import Document
from app.document.history import History
from app.media_search import expanded, needs_search
from app.projects import (
    add_media,
    copy_project,
    is_project,
    open_or_create,
    project_path_for,
)
from app.session import Session
from app.settings import NAME, Settings
from app.video.media_loader import MediaLoader, OpenedMedia, opened_media
from app.workers.task import Task, TaskQueue
from visolo.errors import MediaError, VisoloError
from visolo.formats.names import ARCHIVE_SUFFIXES

_MOST_TOLD = 5

if TYPE_CHECKING:
    from app.document.exchange import ImportTracks


class Opener(QObject):
    """Brings projects into the session.

    Signals:
        busy_changed: what is being opened; empty when done.
        progressed: how much of it is done, in [0, 1].
        failed: title and exception; what was open before still is.
        noted: path of annotations that were opened, and sentences on what of it could not be taken.
        import_wanted: path of annotations or results to be imported into the open project.
    """

    busy_changed = Signal(str)
    progressed = Signal(float)
    failed = Signal(str, object)
    import_wanted = Signal(object)
    noted = Signal(object, object)

    def __init__(
        self, session: Session, loader: MediaLoader, tasks: TaskQueue, settings: Settings, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._loader, self._tasks, self._settings = session, loader, tasks, settings
        self._task: Task | None = None
        self._path = Path()
        self._adds = False
        self._results: Path | None = None
        self._new_document: Document | None = None
        self._queue: list[Path] = []
        self._count = 0
        self._has_opened = False
        self._failures: list[tuple[Path, Exception]] = []
        self._go_on = QTimer(self, singleShot=True, interval=0)
        self._go_on.timeout.connect(self._open_next)
        self.before_close: Callable[[], None] = _nothing

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open the first path; further ones that are media join its project. Folders stand for what is below them.

        One that cannot be opened does not keep the others from it; what failed is told at the end.
        """
        self._begin(paths, has_opened=False)

    def open_path(self, path: Path) -> None:
        """Open anything; failures come as a signal."""
        self.open_paths([path])

    def add_paths(self, paths: Sequence[Path]) -> None:
        """Add videos and image folders to the project that is open; folders stand for what is below them.

        Of annotations the import is asked for.
        """
        self._begin(paths, has_opened=True)

    def save_copy(self, target: Path) -> None:
        """Copy the open project elsewhere and go on there."""
        document = self._session.document
        assert document is not None
        try:
            self.before_close()
            self._session.save_place()
            copy_project(document, target)
            self._show(Document.open(target))
            self._settings.add_recent(target.resolve())
        except (VisoloError, OSError) as error:
            self._fail(target, error)

    def cancel(self) -> None:
        """Stop opening; what was open before stays, and what was added."""
        self._queue.clear()
        self._failures.clear()
        self._go_on.stop()
        self._stop_task()

    def close_project(self) -> None:
        """Let go of the project when the app ends."""
        self.cancel()
        self.before_close()
        self._session.close_document()

    def _begin(self, paths: Sequence[Path], *, has_opened: bool) -> None:
        """Open paths, or add them to the project that is open."""
        self.cancel()
        self._has_opened = has_opened
        wanted = [path.expanduser() for path in paths]
        if any(needs_search(path) and annotations_at(path) is None for path in wanted):
            self._path = wanted[0]
            self._start(Task(lambda: expanded(wanted), self), self._take_paths)
        else:
            self._take_queue(wanted)

    def _take_paths(self, paths: list[Path]) -> None:
        if self.sender() is self._task:
            self._end_task()
            self._take_queue(paths)

    def _take_queue(self, paths: list[Path]) -> None:
        self._queue, self._count = paths, len(paths)
        self._open_next()

    def _open_next(self) -> None:
        """Open what is next in the queue, or tell what failed when nothing is."""
        if not self._queue:
            self._report()
            return
        path = self._queue.pop(0)
        try:
            if not self._has_opened:
                self._dispatch(path)
            elif self._count == 1 and (annotations := annotations_at(path)) is not None:
                self.import_wanted.emit(annotations)
            else:
                self._open_media(path, adds=True)
        except (VisoloError, OSError) as error:
            self._fail(path, error)

    def _dispatch(self, path: Path) -> None:
        if not path.exists():
            raise MediaError(f"{path}: there is no such file or folder; check the path")
        if path.suffix.lower() in ARCHIVE_SUFFIXES and path.is_file():
            raise MediaError(f"{path}: is an archive; unpack it and open the folder")
        if is_project(path):
            self._open_project(path)
            self._opened(path)
        elif (annotations := annotations_at(path)) is not None:
            self._open_annotations(annotations)
        else:
            self._open_media(path, adds=False)

    def _open_project(self, path: Path) -> None:
        current = self._session.document
        if current is None or current.path.resolve() != path.resolve():
            self._show(open_or_create(path))

    def _open_media(self, path: Path, adds: bool) -> None:
        self._path, self._adds = path, adds
        self._start(Task(lambda: opened_media(path), self), self._take_media)

    def _take_media(self, media: OpenedMedia) -> None:
        if self.sender() is not self._task:
            media.close()
            return
        self._end_task()
        try:
            if not self._adds:
                self._open_project(project_path_for(self._path))
        except (VisoloError, OSError) as error:
            media.close()
            self._fail(self._path, error)
            return
        if self._adds and self._count > 1:
            media.close()
            add_media(self._session, media.facts)
            self._opened(self._path)
            return
        self._loader.offer(media)
        video_id = add_media(self._session, media.facts)
        if video_id is None:
            return
        if self._session.video is None or self._session.video.video_id != video_id:
            self._session.show_video(video_id)
        elif not self._adds:
            self._loader.use_offer()
        results, self._results = self._results, None
        self._opened(results or self._path)
        if results is not None:
            self.import_wanted.emit(results)

    def _open_annotations(self, path: Path) -> None:
        # Imported here: reading annotations needs decoders that the start of the app should not load.
        from app.json_beside import plan_for
        from app.workers.imports import reading_task

        plan = plan_for(path)
        project = project_path_for(path)
        if plan.video is not None:
            self._results = path
            self._open_media(plan.video, adds=False)
        elif plan.source is None:
            if self._session.video is None:
                raise MediaError(
                    f"{path}: neither video nor dataset lies beside these results; open their video, then File > Import"
                )
            self.import_wanted.emit(path)
        elif project.exists():
            self._open_project(project)
            self._opened(path)
        else:
            self._path = path
            document = open_or_create(project)
            self._start(reading_task(project, plan.source), self._take_import)
            self._new_document = document

    def _take_import(self, edit: "ImportTracks") -> None:
        document = self._new_document
        if self.sender() is not self._task or document is None:
            return
        self._new_document = None
        self._end_task()
        self._show(document)
        if self._session.do(edit) and edit.videos:
            self._session.show_video(edit.videos[0].video_id)
        if edit.all_notes:
            self.noted.emit(self._path, edit.all_notes)
        self._opened(self._path)

    def _show(self, document: Document) -> None:
        self.before_close()
        self._session.save_place()
        previous = self._session.document
        self._session.open_document(document, History(document, self._settings.get(NAME)))
        if previous is not None:
            previous.close()

    def _opened(self, path: Path) -> None:
        if not self._has_opened or self._count == 1:
            self._settings.add_recent(path.resolve())
        self._has_opened = True
        self._go_on.start()

    def _start(self, task: Task, take: Callable[..., None]) -> None:
        self._stop_task()
        self._task = task
        task.item_ready.connect(take)
        task.progressed.connect(self.progressed)
        task.failed.connect(self._fail_task)
        position = f" ({self._count - len(self._queue)} of {self._count})" if self._count > 1 else ""
        self.busy_changed.emit(self._path.name + position)
        self._tasks.start(task)

    def _fail_task(self, error: Exception) -> None:
        if self.sender() is self._task:
            self._stop_task()
            self._fail(self._path, error)

    def _fail(self, path: Path, error: Exception) -> None:
        self._results = None
        self._failures.append((path, error))
        if self._queue:
            self._go_on.start()
        else:
            self._report()

    def _report(self) -> None:
        failures, self._failures = self._failures, []
        if len(failures) == 1:
            path, error = failures[0]
            self.failed.emit(f"{path.name} was not opened", error)
        elif failures:
            sentences = [str(error).splitlines()[0] for _, error in failures]
            more = [f"and {len(failures) - _MOST_TOLD} more"] if len(failures) > _MOST_TOLD else []
            error = VisoloError("\n".join([*sentences[:_MOST_TOLD], *more]))
            self.failed.emit(f"{len(failures)} files were not opened", error)

    def _stop_task(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._end_task()
        if self._new_document is not None:
            # A project that was made for a file which could not be read.
            self._new_document.close()
            self._new_document.path.unlink(missing_ok=True)
            self._new_document = None

    def _end_task(self) -> None:
        self._task = None
        self.busy_changed.emit("")


def _nothing() -> None:
    """Nothing has to be done before a project is closed."""
