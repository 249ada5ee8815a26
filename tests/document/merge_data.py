"""Two copies of one project, and merging one into the other, for the tests."""

import shutil
from pathlib import Path

from app.document.document import Document
from app.document.history import History
from app.document.project_merge.edit import MergeProject
from app.document.project_merge.plan import ProjectMerge, compare_projects
from app.document.project_merge.their_project import TheirFile, read


def copied(document: Document, path: Path, author: str = "Anna") -> tuple[Document, History]:
    """Another person's copy of a project that is open."""
    document.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(document.path, path)
    copy = Document.open(path)
    return copy, History(copy, author)


def compared(ours: Document, theirs: Path | Document) -> ProjectMerge:
    """What there is to merge; theirs may be open."""
    path = theirs if isinstance(theirs, Path) else theirs.path
    with read(TheirFile(path, path)) as queries:
        return compare_projects(ours, queries)


def merge(history: History, theirs: Path | Document, *, prefer: str = "ours") -> ProjectMerge:
    """Merge all that there is to merge."""
    found = compared(history.document, theirs)
    added = [v.video.video_id for v in found.videos if v.fate == "only there"]
    history.do(MergeProject.of(found, found.conflicts if prefer == "theirs" else [], added))
    return found
