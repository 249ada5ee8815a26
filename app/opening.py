"""Opening what a person hands over: video, image folder, YouTube-VIS file, project. The old stays till new is there."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.document.document import Document
from app.document.history import History
from app.projects import add_media, copy_project, is_project, open_or_create, project_path_for
from app.session import Session
from app.settings import Settings
from app.video.media_loader import MediaLoader, OpenedMedia, opened_media
from app.workers.task import Task, TaskQueue
from visolo.errors import MediaError, VisoloError


class Opener(QObject):
    """Brings projects into the session.

    Signals:
        busy_changed: what is being opened; empty when done.
        progressed: how much of it is done, in [0, 1].
        failed: title and exception; what was open before still is.
    """

    busy_changed = Signal(str)
    progressed = Signal(float)
    failed = Signal(str, object)

    def __init__(
        self, session: Session, loader: MediaLoader, tasks: TaskQueue, settings: Settings, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._loader, self._tasks, self._settings = session, loader, tasks, settings
        self._task: Task | None = None
        self._path = Path()
        self._adds = False
        self._queue: list[Path] = []
        self.before_close: Callable[[], None] = _nothing

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open the first path; further ones that are media join its project."""
        if paths:
            self._queue = list(paths[1:])
            self.open_path(paths[0])

    def open_path(self, path: Path) -> None:
        """Open anything; failures come as a signal."""
        try:
            self._dispatch(path.expanduser())
        except (VisoloError, OSError) as error:
            self._fail(path, error)

    def add_video(self, path: Path) -> None:
        """Add a video or image folder to the project that is open."""
        self._open_media(path, adds=True)

    def save_copy(self, target: Path) -> None:
        """Copy the open project elsewhere and go on there."""
        document = self._session.document
        assert document is not None
        try:
            self.before_close()
            copy_project(document, target)
            self._show(Document.open(target))
        except (VisoloError, OSError) as error:
            self._fail(target, error)

    def cancel(self) -> None:
        """Stop opening; what was open before stays."""
        if self._task is not None:
            self._task.cancel()
            self._end_task()
        self._queue.clear()

    def close_project(self) -> None:
        """Let go of the project when the app ends."""
        self.before_close()
        if self._session.document is not None:
            self._session.document.close()

    def _dispatch(self, path: Path) -> None:
        if not path.exists():
            raise MediaError(f"{path}: there is no such file or folder; check the path")
        if is_project(path):
            self._open_project(path)
            self._opened(path)
        elif path.suffix.lower() == ".json":
            self._open_json(path)
        else:
            self._open_media(path, adds=False)

    def _open_project(self, path: Path) -> None:
        current = self._session.document
        if current is None or current.path.resolve() != path.resolve():
            self._show(open_or_create(path))

    def _open_media(self, path: Path, adds: bool) -> None:
        self.cancel()
        self._path, self._adds = path, adds
        self._task = Task(lambda: opened_media(path), self)
        self._task.item_ready.connect(self._take_media)
        self._task.progressed.connect(self.progressed)
        self._task.failed.connect(self._fail_task)
        self.busy_changed.emit(path.name)
        self._tasks.start(self._task)

    def _take_media(self, media: OpenedMedia) -> None:
        if self.sender() is not self._task:
            media.frames.__exit__(None, None, None)
            return
        self._end_task()
        self._loader.offer(media)
        try:
            if not self._adds:
                self._open_project(project_path_for(self._path))
        except (VisoloError, OSError) as error:
            self._fail(self._path, error)
            return
        video_id = add_media(self._session, media.facts)
        if video_id is None:
            return
        if self._session.video is None or self._session.video.video_id != video_id:
            self._session.show_video(video_id)
        self._opened(self._path)

    def _open_json(self, path: Path) -> None:
        raise VisoloError(f"{path}: not yet")

    def _show(self, document: Document) -> None:
        self.before_close()
        self._session.save_place()
        previous = self._session.document
        self._session.open_document(document, History(document))
        if previous is not None:
            previous.close()

    def _opened(self, path: Path) -> None:
        self._settings.add_recent(path.resolve())
        if self._queue:
            self._open_media(self._queue.pop(0), adds=True)

    def _fail_task(self, error: Exception) -> None:
        if self.sender() is self._task:
            self._end_task()
            self._fail(self._path, error)

    def _fail(self, path: Path, error: Exception) -> None:
        self._queue.clear()
        self.failed.emit(f"{path.name} was not opened", error)

    def _end_task(self) -> None:
        self._task = None
        self.busy_changed.emit("")


def _nothing() -> None:
    """Nothing has to be done before a project is closed."""
