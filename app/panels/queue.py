"""The queue: the project's videos with pictures, and how far the work on each is."""

from functools import partial
from typing import NamedTuple

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPainterPath, QPixmap, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QListView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.dialogs.reject import reject_video
from app.document.edits import RejectVideo, RemoveVideo
from app.document.records import Change, Video
from app.panels.pacing import PacedRefresh
from app.panels.queue_model import (
    NOTES_ROLE,
    PICTURE_SIZE,
    PROGRESS_ROLE,
    VIDEO_ROLE,
    QueueModel,
    QueueView,
    VideoProgress,
    VideoState,
    length_words,
    state_words,
    time_words,
)
from app.panels.queue_tools import QueueTools
from app.panels.run_queue_bar import RunQueueBar
from app.session import RunStatus, Session

_ROW_HEIGHT = 54
_MARGIN = 12
_BAR_HEIGHT = 3
_GAP = 8
_TAG_PIXELS = 10
_LEFT_TO_RIGHT = Qt.LayoutDirection.LeftToRight
_REFRESH_MS = 200
_NO_VIDEO = "No video yet.\nOpen one with Ctrl+O\nor drop it here."
_NO_MATCH = "No video is like that."
_Index = QModelIndex | QPersistentModelIndex


class _Tag(NamedTuple):
    """How a few letters in a corner of a picture look."""

    corner: Qt.AlignmentFlag
    ground: QColor
    ink: QColor


_LENGTH_TAG = _Tag(Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignRight, QColor(0, 0, 0, 170), QColor("white"))
_NOTES_TAG = _Tag(
    Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, QColor(theme.DARK.warning), QColor(theme.DARK.window)
)


class VideoDelegate(QStyledItemDelegate):
    """Draws picture, name, state and a bar of how much the model has computed."""

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:  # noqa: D102 - Qt's
        return QSize(180, _ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:  # noqa: D102
        painter.save()
        area: QRect = option.rect
        is_current = bool(option.state & QStyle.StateFlag.State_Selected)
        if is_current or option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(area, theme.color("selection" if is_current else "raised"))
        if is_current:
            painter.fillRect(area.left(), area.top(), 3, area.height(), theme.color("accent"))
        picture = QRect(area.topLeft() + QPoint(_MARGIN, (_ROW_HEIGHT - PICTURE_SIZE.height()) // 2), PICTURE_SIZE)
        self._paint_picture(painter, picture, index.data(Qt.ItemDataRole.DecorationRole))
        self._paint_tag(painter, picture, length_words(index.data(VIDEO_ROLE)), _LENGTH_TAG)
        if note_count := index.data(NOTES_ROLE):
            self._paint_tag(painter, picture, str(note_count), _NOTES_TAG)
        text = QRect(picture.right() + 9, area.top() + 8, area.right() - picture.right() - 9 - _MARGIN, 18)
        self._paint_words(painter, text, index.data(VIDEO_ROLE), index.data(PROGRESS_ROLE))
        painter.restore()

    def _paint_picture(self, painter: QPainter, area: QRect, picture: QPixmap | None) -> None:
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        frame = QPainterPath()
        frame.addRoundedRect(QRectF(area), 3, 3)
        painter.fillPath(frame, theme.color("canvas"))
        if picture is None or picture.isNull():
            theme.icon("mdi6.filmstrip", theme.current_theme().faint).paint(painter, area.adjusted(0, 9, 0, -9))
            return
        painter.save()
        painter.setClipPath(frame)
        size = picture.deviceIndependentSize().scaled(area.size(), Qt.AspectRatioMode.KeepAspectRatioByExpanding)
        target = QRectF(0, 0, size.width(), size.height())
        target.moveCenter(QRectF(area).center())
        painter.drawPixmap(target, picture, QRectF(picture.rect()))
        painter.restore()

    def _paint_tag(self, painter: QPainter, picture: QRect, words: str, tag: _Tag) -> None:
        """In a corner of the picture, on a ground of its own: the picture may be of any colour."""
        painter.save()
        small = QFont(painter.font())
        small.setPixelSize(_TAG_PIXELS)
        painter.setFont(small)
        size = painter.fontMetrics().size(0, words)
        size = QSize(size.width() + 6, _TAG_PIXELS + 3)
        ground = QStyle.alignedRect(_LEFT_TO_RIGHT, tag.corner, size, picture.adjusted(1, 1, -1, -1))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tag.ground)
        painter.drawRoundedRect(ground, 2, 2)
        painter.setPen(tag.ink)
        painter.drawText(ground, Qt.AlignmentFlag.AlignCenter, words)
        painter.restore()

    def _paint_words(self, painter: QPainter, area: QRect, video: Video, progress: VideoProgress) -> None:
        metrics = painter.fontMetrics()
        small = QFont(painter.font())
        small.setPixelSize(11)
        needed = time_words(progress.seconds_left)
        needed_width = QFontMetrics(small).horizontalAdvance(needed) + _GAP if needed else 0
        painter.setPen(theme.color("muted" if progress.state is VideoState.REJECTED else "text"))
        name = _elided(metrics, video.name, area.width() - needed_width)
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, name)
        painter.setFont(small)
        painter.setPen(theme.color("muted"))
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, needed)
        words = state_words(video, progress)
        if painter.fontMetrics().horizontalAdvance(words) > area.width():
            words = words.removesuffix(" confirmed")  # the tip has all of it
        words = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, area.width())
        painter.setPen(theme.color("warning" if progress.state is VideoState.FAILED else "muted"))
        painter.drawText(area.translated(0, 16), Qt.AlignmentFlag.AlignVCenter, words)
        is_bare = progress.state in _WITHOUT_BAR and not progress.share
        if progress.state in {VideoState.NEW, VideoState.REJECTED} or is_bare:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        track = QRectF(area.left(), area.top() + 36, area.width(), _BAR_HEIGHT)
        for share, name in ((1.0, "raised"), (progress.share, _BAR_COLOURS[progress.state])):
            painter.setBrush(theme.color(name))
            painter.drawRoundedRect(QRectF(track.topLeft(), QSize(round(track.width() * share), _BAR_HEIGHT)), 1.5, 1.5)


_WITHOUT_BAR = {VideoState.WAITING, VideoState.FAILED}
_BAR_COLOURS = {
    VideoState.RUNNING: "accent",
    VideoState.PAUSED: "warning",
    VideoState.WAITING: "accent",
    VideoState.FAILED: "warning",
    VideoState.TRACKED: "good",
    VideoState.IN_REVIEW: "good",
    VideoState.DONE: "good",
}


class QueuePanel(QWidget):
    """List of the videos; the current one is the session's."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setObjectName("queuePanel")
        self.model = QueueModel(session, self)
        self._build()
        self._paced = PacedRefresh(self._refresh_changed, _REFRESH_MS, self)
        self._changes = Change()
        self._run_video_id = 0
        session.project_opened.connect(self._show_project)
        session.video_changed.connect(self._show_current)
        session.document_changed.connect(self._note_change)
        session.run_changed.connect(self._note_run)
        session.run_queue.changed.connect(self._show_all_again)
        session.review.filter_changed.connect(self._show_all_again)
        session.counted.connect(self._note_count)
        theme.theme_changes().changed.connect(self.view.viewport().update)
        self._show_project()

    def stop(self) -> bool:
        """Stop decoding pictures and wait. False when it did not end in time."""
        return self.model.loader.stop()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: D102
        # A running thread must not outlive its owner; the window's closing is the last moment to wait for it.
        self.window().installEventFilter(self)
        super().showEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Stop the pictures when the window closes."""
        if event.type() is QEvent.Type.Close and watched is self.window():
            self.stop()
        return super().eventFilter(watched, event)

    def _build(self) -> None:
        heading = QLabel("QUEUE")
        heading.setProperty("heading", True)
        self._count = QLabel()
        self._count.setProperty("heading", True)
        self._count.setObjectName("queueCount")
        titles = QHBoxLayout()
        titles.setContentsMargins(_MARGIN, 0, _MARGIN, 0)
        titles.addWidget(heading)
        titles.addStretch(1)
        titles.addWidget(self._count)
        self.view = QListView()
        self.view.setObjectName("queueView")
        self.view.setAccessibleName("Videos of the project")
        self.view.setModel(self.model)
        self.view.setItemDelegate(VideoDelegate(self.view))
        self.view.setUniformItemSizes(True)
        self.view.setMouseTracking(True)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.customContextMenuRequested.connect(self._open_menu)
        self.view.selectionModel().currentChanged.connect(self._choose)
        self.tools = QueueTools()
        self.tools.changed.connect(self._list)
        self.tools.left.connect(self.view.setFocus)
        self._empty = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self._empty.setObjectName("queueEmpty")
        self._empty.setProperty("muted", True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(titles)
        layout.addWidget(self.tools)
        layout.addWidget(self.view, 1)
        layout.addWidget(self._empty, 1)
        self._run_queue = RunQueueBar(self._session)
        layout.addWidget(self._run_queue)

    def _show_project(self) -> None:
        self.model.forget_pictures()
        self.tools.clear()
        self._show_videos()

    def _list(self, view: QueueView) -> None:
        self._refresh_changed()
        self.model.view = view
        self.model.list_again()
        self._show_listed()

    def _show_videos(self) -> None:
        self.model.reset()
        self._show_listed()

    def _show_listed(self) -> None:
        count, listed = self.model.video_count, self.model.rowCount()
        words = "" if not count else "1 video" if count == 1 else f"{count} videos"
        self._count.setText(words if listed == count else f"{listed} of {words}")
        self.tools.setVisible(count > 1)
        self._run_queue.show_for(count)
        self.view.setVisible(listed > 0)
        self._empty.setVisible(listed == 0)
        self._empty.setText(_NO_MATCH if count else _NO_VIDEO)
        self._show_current()

    def _show_current(self) -> None:
        video = self._session.video
        row = None if video is None else self.model.row_of(video.video_id)
        if row is not None and self.view.currentIndex().row() != row:
            self.view.setCurrentIndex(self.model.index(row))

    def _choose(self, current: QModelIndex) -> None:
        video = current.data(VIDEO_ROLE) if current.isValid() else None
        if video is not None and (self._session.video is None or self._session.video.video_id != video.video_id):
            self._session.show_video(video.video_id)

    def _note_change(self, change: Change) -> None:
        if change.videos:
            self._show_videos()
            return
        self._changes = self._changes.union(change)
        self._paced.soon()

    def _note_run(self, run: RunStatus) -> None:
        """The model is at another frame, or went to another video or to rest."""
        self._note_change(Change(frozenset({self._run_video_id, run.video_id})))
        self._run_video_id = run.video_id

    def _note_count(self, video_id: int) -> None:
        self._note_change(Change(frozenset({video_id})))

    def _show_all_again(self) -> None:
        self.model.forget_progress()
        self.view.viewport().update()

    def _refresh_changed(self) -> None:
        change, self._changes = self._changes, Change()
        self.model.note_change(change)

    def _open_menu(self, position: QPoint) -> None:
        index = self.view.indexAt(position)
        if not index.isValid():
            return
        video: Video = index.data(VIDEO_ROLE)
        menu = QMenu(self)
        menu.setObjectName("videoMenu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if index.data(PROGRESS_ROLE).state is VideoState.REJECTED:
            menu.addAction("Take back", partial(self._session.do, RejectVideo(video.video_id, None)))
        else:
            menu.addAction("Reject…", partial(reject_video, self._session, video, self))
        menu.addSeparator()
        remove = menu.addAction(f"Remove {video.name} from the project")
        remove.setToolTip("The file itself stays where it is; undo brings the video back")
        remove.triggered.connect(partial(self._remove, video.video_id))
        menu.popup(self.view.viewport().mapToGlobal(position))

    def _remove(self, video_id: int, _checked: bool = False) -> None:
        self._session.do(RemoveVideo(video_id))


def _elided(metrics: QFontMetrics, text: str, width: int) -> str:
    return metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, width)
