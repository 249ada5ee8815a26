"""Asking why a video is of no use before it is rejected."""

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog, QWidget

from app.document.edits import RejectVideo
from app.document.records import Video
from app.session import Session


def reject_video(session: Session, video: Video, parent: QWidget) -> None:
    """Ask for the reason, which may be left out, and reject the video."""
    dialog = QInputDialog(parent)
    dialog.setObjectName("rejectDialog")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle(f"Reject {video.name}")
    dialog.setLabelText(
        "A rejected video stays in the project, but it is not run over with the others and not exported.\n"
        "Why is it of no use?"
    )
    dialog.setOkButtonText("Reject")
    dialog.textValueSelected.connect(partial(_reject, session, video.video_id))
    dialog.resize(480, dialog.sizeHint().height())
    session.project_opened.connect(dialog.reject)
    dialog.open()


def _reject(session: Session, video_id: int, reason: str) -> None:
    session.do(RejectVideo(video_id, reason))
