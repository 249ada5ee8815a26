"""Takes another person's project into the open one: what comes over, what both changed, and who is right there."""

from pathlib import Path
from tempfile import TemporaryDirectory

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QProgressBar, QSplitter, QVBoxLayout, QWidget

from app.dialogs.conflict_list import ConflictList
from app.dialogs.conflict_pictures import OURS, THEIRS, ConflictPictures
from app.dialogs.form_parts import Sentence, dialog_column, push_button
from app.dialogs.merge_videos import MergeVideos
from app.document.project_merge.conflict_views import conflict_frames, shown_in
from app.document.project_merge.conflicts import Conflict
from app.document.project_merge.edit import MergeProject
from app.document.project_merge.plan import NOTHING, VideoFate, VideoMerge
from app.document.project_merge.their_project import read
from app.errors import sentence_of
from app.session import Session
from app.workers.latest import LatestTask
from app.workers.project_merge import MergeAnswer, MergeQuestion
from visolo.errors import VisoloError
from visolo.words import counted


class MergeProjectDialog(QDialog):
    """Compares at once; closing it gives that up, and nothing was changed. Conflicts that nobody decides stay ours."""

    def __init__(self, session: Session, theirs: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        assert session.document is not None
        self.setWindowTitle(f"Merge {theirs.name}")
        self.setObjectName("mergeProject")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session = session
        self._answer: MergeAnswer | None = None
        self._conflicts: list[Conflict] = []
        self._folder = TemporaryDirectory(prefix="visolo-merge-")
        self._comparing = LatestTask(0, self)
        self._bar = QProgressBar(maximum=1000)
        self._words, self._left = Sentence("mergeStatus"), Sentence("mergeUndecided")
        self._videos, self._list, self._pictures = MergeVideos(), ConflictList(), ConflictPictures()
        self._build()
        self._connect()
        self._words.say(f"Comparing with {theirs.name}…")
        self._comparing.ask(MergeQuestion(session.document.path, theirs, Path(self._folder.name)))

    def accept(self) -> None:
        """Make the edit."""
        assert self._answer is not None
        taken = [self._conflicts[row] for row, is_theirs in self._list.decisions.items() if is_theirs]
        try:
            edit = MergeProject.of(self._answer.merge, taken, self._videos.added())
        except VisoloError as error:
            self._words.say(sentence_of(error), is_problem=True)
            return
        # `refused` says in the window why not; the dialog stays, with what was decided.
        if self._session.do(edit):
            super().accept()

    def done(self, result: int) -> None:
        """Close, after the comparing has stopped."""
        self._comparing.close()
        self._pictures.stop()
        self._folder.cleanup()
        super().done(result)

    def _build(self) -> None:
        self._all_ours = push_button("All ours", "mergeAllOurs", lambda: self._decide_all(OURS))
        self._all_theirs = push_button("All theirs", "mergeAllTheirs", lambda: self._decide_all(THEIRS))
        self._apply = push_button("Merge", "mergeApply", self.accept, is_primary=True)
        self._cancel = push_button("Cancel", "mergeCancel", self.reject)
        whole = QHBoxLayout()
        whole.setSpacing(8)
        whole.addWidget(self._left, 1)
        whole.addWidget(self._all_ours)
        whole.addWidget(self._all_theirs)
        self._sides = QSplitter(Qt.Orientation.Horizontal)
        self._sides.setChildrenCollapsible(False)
        self._sides.addWidget(self._list)
        self._sides.addWidget(self._pictures)
        self._sides.setSizes([500, 560])
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        buttons.addWidget(self._cancel)
        buttons.addWidget(self._apply)
        self._decisions = QWidget()
        inner = QVBoxLayout(self._decisions)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addWidget(self._sides, 1)
        inner.addLayout(whole)
        layout = dialog_column(self)
        layout.addWidget(self._words)
        layout.addWidget(self._bar)
        layout.addWidget(self._videos, 1)
        layout.addWidget(self._decisions, 3)
        layout.addStretch(0)
        layout.addLayout(buttons)
        self._videos.hide()
        self._decisions.hide()
        self._apply.setEnabled(False)
        self.resize(560, 160)

    def _connect(self) -> None:
        self._comparing.answered.connect(self._show)
        self._comparing.progressed.connect(lambda share: self._bar.setValue(round(1000 * share)))
        self._comparing.failed.connect(self._report)
        self._list.looked_at.connect(self._look_at)
        self._list.decided.connect(self._describe)
        self._videos.changed.connect(self._describe)
        self._pictures.chosen.connect(self._decide)
        self._pictures.frame_wanted.connect(self._show_frame)
        self._session.project_opened.connect(self.reject)
        self._session.refused.connect(self._refuse)

    def _show(self, answer: object) -> None:
        assert isinstance(answer, MergeAnswer)
        self._answer, self._conflicts = answer, answer.merge.conflicts
        self._bar.hide()
        if answer.is_empty:
            self._words.say(" ".join(["Nothing differs that would come over.", *answer.merge.notes]))
            self._offer_to_close()
            return
        authors = answer.merge.authors
        whose = ", ".join(f"{name} ({counted(count, 'edit')})" for name, count in authors.items())
        news = [f"New there: {whose}." if whose else "", str(answer.merge.classes), *answer.merge.notes]
        self._words.say(" ".join(filter(None, news)))
        self._words.setVisible(bool(self._words.text()))
        self._videos.show_videos(answer.merge.videos, answer.coming)
        self._videos.show()
        self._decisions.setVisible(bool(self._conflicts))
        names = {video.video.video_id: video.video.name for video in answer.merge.videos}
        self._list.show_conflicts(self._conflicts, names)
        self.resize(1080, 760) if self._conflicts else self.resize(720, 420)
        (self._list if self._conflicts else self._apply).setFocus()
        self._describe()

    def _report(self, error: Exception) -> None:
        self._bar.hide()
        self._words.say(sentence_of(error), is_problem=True)
        self._offer_to_close()

    def _offer_to_close(self) -> None:
        self._apply.hide()
        self._cancel.setText("Close")
        self._cancel.setFocus()

    def _refuse(self, sentence: str) -> None:
        self._words.say(sentence, is_problem=True)
        self._words.show()

    def _describe(self) -> None:
        """What was decided, and whether there is anything to do."""
        assert self._answer is not None
        left = len(self._conflicts) - len(self._list.decisions)
        self._left.say(
            f"{counted(left, 'conflict')} undecided: ours stays there" if left else "All conflicts are decided"
        )
        videos = zip(self._answer.merge.videos, self._answer.coming, strict=True)
        has_news = any(v.fate is VideoFate.MATCHED and words != NOTHING for v, words in videos)
        takes = any(self._list.decisions.values()) or bool(self._videos.added())
        self._apply.setEnabled(has_news or takes or self._answer.merge.classes.has_news)
        row = self._list.currentRow()
        is_theirs = self._list.decisions.get(row)
        self._pictures.show_choice(None if is_theirs is None else THEIRS if is_theirs else OURS)

    def _look_at(self, row: int) -> None:
        if not 0 <= row < len(self._conflicts) or self._session.document is None:
            return
        conflict = self._conflicts[row]
        frames = conflict_frames(self._session.document, conflict)
        self._pictures.show_conflict(frames, (conflict.ours, conflict.theirs))
        self._describe()

    def _show_frame(self, frame_index: int) -> None:
        row = self._list.currentRow()
        document = self._session.document
        if document is None or self._answer is None or not 0 <= row < len(self._conflicts):
            return
        conflict = self._conflicts[row]
        video = self._video(conflict.video_id)
        try:
            with read(self._answer.merge.theirs) as theirs:
                shown = shown_in(document, theirs, video, conflict, frame_index)
        except VisoloError as error:
            self._refuse(sentence_of(error))
            return
        source = document.source_path(conflict.video_id)
        self._pictures.show_frame(frame_index, video.video, source, shown)

    def _video(self, video_id: int) -> VideoMerge:
        assert self._answer is not None
        return next(video for video in self._answer.merge.videos if video.video.video_id == video_id)

    def _decide(self, side: int) -> None:
        self._list.decide([self._list.currentRow()], takes_theirs=side == THEIRS)
        self._list.go_to_undecided()

    def _decide_all(self, side: int) -> None:
        self._list.decide(range(len(self._conflicts)), takes_theirs=side == THEIRS)
