"""Comparing the selected instance with other tracks in a thread, once frame and selection have come to rest."""

from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QObject

from app.document.proposals import identity_proposals, link_suggestions
from app.document.queries import snapshot
from app.identities import Question
from app.session import Session
from app.workers.latest import LatestTask

_SETTLE_MS = 40


class IdentitySearch(LatestTask):
    """Answers `session.identities`, only the latest question."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(_SETTLE_MS, parent)
        self._session = session
        session.identities.asked.connect(self._ask)
        self.answered.connect(self._give)

    def _ask(self) -> None:
        document, question = self._session.document, self._session.identities.question
        if document is None or question is None:
            self.cancel()
        else:
            self.ask(_Comparison(document.path, question))

    def _give(self, answer: object) -> None:
        assert isinstance(answer, tuple)
        self._session.identities.take(*answer)


class _Comparison:
    """A callable with its question bound: what `Task` runs."""

    def __init__(self, project: Path, question: Question) -> None:
        self._project, self._question = project, question

    def __call__(self) -> Iterator[object]:
        asked = self._question
        with snapshot(self._project) as queries:
            links = link_suggestions(queries, asked.video_id, asked.track_id) if asked.is_birth else []
            found = links or identity_proposals(queries, asked.video_id, asked.track_id, asked.frame_index)
            yield asked, found, bool(links)
