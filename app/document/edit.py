"""What every edit is: a frozen value that can say itself in words and apply itself to a transaction."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

from app.document.records import EditRefused, FrameRange
from app.document.transaction import Transaction


class Edit(Protocol):
    """One user action, one entry of the history."""

    @property
    def text(self) -> str:
        """What is done, with ids and scope, for the history and the undo action."""

    def apply(self, transaction: Transaction) -> None:
        """Check first, then change through the transaction's primitives.

        Raises:
            EditRefused: it cannot be done as things are; whatever was changed so far is rolled back.
        """


@dataclass(frozen=True)
class RoutedEdit(ABC):
    """An edit of one video that reaches over frames, some of which a running model may still have to deliver.

    While a run is on, it is applied to the frames before the run's head at once and to each later frame when that frame
    lands, so that the outcome is that of the same edit made after the run.
    """

    video_id: int

    @property
    @abstractmethod
    def text(self) -> str:
        """See `Edit.text`."""

    @property
    @abstractmethod
    def reach(self) -> FrameRange:
        """Frames whose instances it may touch."""

    @abstractmethod
    def apply_first(self, transaction: Transaction, frames: FrameRange) -> None:
        """Check, make what is not per frame (tracks, flags), and change the instances of `frames`.

        Raises:
            EditRefused: it cannot be done as things are.
        """

    @abstractmethod
    def extend(self, transaction: Transaction, frames: FrameRange) -> None:
        """Do to `frames`, which have just landed, what was done to the others; never refuses."""

    def apply(self, transaction: Transaction) -> None:
        """See `Edit.apply`: all of its reach."""
        self.apply_first(transaction, self.reach)


@dataclass(frozen=True)
class EditGroup(RoutedEdit):
    """Several edits of one video as one entry.

    Attributes:
        label: the entry's text.
        edits: applied in this order; all or none.
    """

    label: str
    edits: tuple[Edit, ...]

    @property
    def text(self) -> str:
        """See `Edit.text`."""
        return self.label

    @property
    def reach(self) -> FrameRange:
        """See `RoutedEdit.reach`."""
        reach: FrameRange | None = None
        for edit in self._routed():
            reach = edit.reach.cover(reach) if reach else edit.reach
        return reach or FrameRange(0, 0)

    def apply_first(self, transaction: Transaction, frames: FrameRange) -> None:
        """See `RoutedEdit.apply_first`."""
        for edit in self.edits:
            if not isinstance(edit, RoutedEdit):
                edit.apply(transaction)
            elif part := edit.reach.cut(frames.first, frames.end):
                edit.apply_first(transaction, part)
            else:
                raise EditRefused(
                    f"The model has yet to compute frame {edit.reach.first}; wait for it, or stop the run"
                )

    def extend(self, transaction: Transaction, frames: FrameRange) -> None:
        """See `RoutedEdit.extend`."""
        for edit in self._routed():
            if part := edit.reach.cut(frames.first, frames.end):
                edit.extend(transaction, part)

    def _routed(self) -> list[RoutedEdit]:
        return [edit for edit in self.edits if isinstance(edit, RoutedEdit)]
