"""Choosing a class by typing: the list narrows, Enter takes the best match, an unknown name offers a new class."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QLabel, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.document.edits import AddCategory, Edit, EditGroup, SetCategory
from app.session import Session
from visolo.categories import Category, folded_name
from visolo.class_names import classes_by_name

_ROLE = Qt.ItemDataRole.UserRole
_LEAST_VOTE = 0.02
_STEPS: dict[int, int] = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -8, Qt.Key.Key_PageDown: 8}


class CategoryChoice(NamedTuple):
    """What was chosen: an existing class, or the name of a new one."""

    category_id: int | None
    new_name: str | None


def choose_category(session: Session, track_ids: Iterable[int], parent: QWidget) -> None:
    """Let the user choose the class of these tracks."""
    assert session.document is not None
    assert session.video is not None
    chosen = sorted(track_ids)
    document, video_id = session.document, session.video.video_id
    tracks = [document.track(video_id, track_id) for track_id in chosen]
    categories = {track.category_id for track in tracks}
    title = f"Class of track {chosen[0]}" if len(chosen) == 1 else f"Class of {len(chosen)} tracks"
    votes: dict[int, float] = {}
    class_votes = document.class_votes(video_id, chosen[0]) if len(chosen) == 1 else None
    if class_votes is not None and len(class_votes.frame_indices):
        means = class_votes.class_scores.mean(axis=0)
        votes = dict(zip(class_votes.category_ids.tolist(), means.tolist(), strict=True))
    current = categories.pop() if len(categories) == 1 else None
    dialog = CategoryDialog(title, document.categories(), current, votes, parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.accepted.connect(partial(_take_choice, session, tuple(chosen), dialog))
    dialog.open()


def set_category(session: Session, track_ids: Iterable[int], choice: CategoryChoice) -> None:
    """Give tracks of the current video a class that may be new, as one edit."""
    assert session.document is not None
    assert session.video is not None
    document, video_id, chosen = session.document, session.video.video_id, tuple(sorted(track_ids))
    category_id, name, edits = choice.category_id, choice.new_name, list[Edit]()
    if category_id is None:
        assert name is not None
        category_id = document.next_category_id()
        edits.append(AddCategory(category_id, name))
    else:
        name = next((c.name for c in document.categories() if c.category_id == category_id), str(category_id))
    what = f"track {chosen[0]}" if len(chosen) == 1 else f"tracks {', '.join(map(str, chosen))}"
    label = f"Set class of {what} to {'new class ' if edits else ''}{name}"
    session.do(EditGroup(video_id, label, (*edits, SetCategory(video_id, chosen, category_id))))


def _take_choice(session: Session, track_ids: tuple[int, ...], dialog: "CategoryDialog") -> None:
    assert dialog.choice is not None
    set_category(session, track_ids, dialog.choice)


class CategoryDialog(QDialog):
    """A line to type in above a list of classes, best guesses of the model first.

    Args:
        title: what the class is for, e.g. "Class of track 2".
        categories: all there are.
        current: the class now, or None.
        votes: mean class score in [0, 1] by category_id, where the model has an opinion.
    """

    def __init__(
        self,
        title: str,
        categories: Sequence[Category],
        current: int | None = None,
        votes: Mapping[int, float] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setObjectName("categoryDialog")
        self.choice: CategoryChoice | None = None
        self._votes = votes or {}
        self._current = current
        self._categories = sorted(categories, key=lambda c: (-self._votes.get(c.category_id, 0.0), c.name.casefold()))
        self._known = classes_by_name(categories)
        self._line = QLineEdit(clearButtonEnabled=True)
        self._line.setObjectName("categoryName")
        self._line.setAccessibleName("Class name")
        self._line.setPlaceholderText("Type a class")
        self._line.installEventFilter(self)
        self._line.textChanged.connect(self._narrow)
        self._line.returnPressed.connect(self._take_current)
        self._list = QListWidget()
        self._list.setObjectName("categoryList")
        self._list.setAccessibleName("Classes")
        self._list.itemActivated.connect(self._take)
        self._list.itemClicked.connect(self._take)
        hint = QLabel("Enter takes the marked class; a new name adds a class to the project")
        hint.setProperty("muted", True)
        hint.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.addWidget(self._line)
        layout.addWidget(self._list, 1)
        layout.addWidget(hint)
        self._narrow("")
        self.resize(QSize(340, 440))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Arrow keys in the line move through the list."""
        is_press = watched is self._line and event.type() is QEvent.Type.KeyPress
        step = _STEPS.get(event.key(), 0) if is_press and isinstance(event, QKeyEvent) else 0
        if step:
            self._list.setCurrentRow(max(0, min(self._list.currentRow() + step, self._list.count() - 1)))
            return True
        return super().eventFilter(watched, event)

    def _narrow(self, text: str) -> None:
        wanted = " ".join(text.split())
        self._list.clear()
        for category in self._matches(wanted):
            item = QListWidgetItem(self._text_of(category))
            item.setData(_ROLE, category.category_id)
            if category.category_id == self._current:
                font = item.font()
                font.setBold(True)
                item.setFont(font)
            self._list.addItem(item)
        if wanted and folded_name(wanted) not in self._known:
            item = QListWidgetItem(f"Add class “{wanted}”")
            item.setData(_ROLE, wanted)
            self._list.addItem(item)
        self._list.setCurrentRow(0)

    def _matches(self, wanted: str) -> list[Category]:
        """The class that is called so, then names and synonyms that begin with the text, then those that hold it."""
        text = folded_name(wanted)
        names = {c.category_id: [folded_name(name) for name in (c.name, *c.synonyms)] for c in self._categories}

        def rank(category: Category) -> int:
            if self._known.get(text) is category:
                return 0
            if any(name.startswith(text) for name in names[category.category_id]):
                return 1
            return 2 if any(text in name for name in names[category.category_id]) else 3

        return sorted((c for c in self._categories if rank(c) < 3), key=rank)

    def _text_of(self, category: Category) -> str:
        vote = self._votes.get(category.category_id, 0.0)
        return f"{category.name}    {vote:.2f}" if vote >= _LEAST_VOTE else category.name

    def _take_current(self) -> None:
        item = self._list.currentItem()
        if item is not None:
            self._take(item)

    def _take(self, item: QListWidgetItem) -> None:
        value = item.data(_ROLE)
        self.choice = CategoryChoice(None, value) if isinstance(value, str) else CategoryChoice(int(value), None)
        self.accept()
