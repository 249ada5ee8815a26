"""`project merge` on the command line, and reading a project that is someone else's."""

import gzip
import os
import sqlite3
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from document_data import add_video, mask, masks_of, new_project, project_with_run
from merge_data import copied

from app.document import schema
from app.document.document import Document
from app.document.edits import AddCategory, RenameCategory, SetMask
from app.document.history import History
from app.document.project_merge.their_project import TheirFile, read, readable
from visolo.cli import main
from visolo.errors import ProjectError


@pytest.fixture
def paths(tmp_path):
    """Two closed projects: ours and Anna's, with one conflict on frame 3 and more of hers on frame 4."""
    document, ours = project_with_run(tmp_path / "ours.visolo")
    other, theirs = copied(document, tmp_path / "annas.visolo")
    ours.do(SetMask(1, 2, 3, mask(9000)))
    theirs.do(SetMask(1, 2, 3, mask(9001)))
    theirs.do(SetMask(1, 2, 4, mask(9002)))
    document.close()
    other.close()
    return document.path, other.path


def run(*args) -> int:
    return main(["project", "merge", *map(str, args)])


def masks(path: Path) -> dict[int, str]:
    with Document.open(path) as document:
        return masks_of(document, 2)


def test_conflicts_are_printed_and_left_with_an_exit_code_of_their_own(paths, capsys):
    assert run(*paths, "--author", "Ben") == 3
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "video 1 (in both): 1 frame of 1 track",
        "  conflict: track 2 on frame 3: mask: ours one mask; theirs another mask",
        "1 conflict left: there the first project stays as it is; --prefer decides",
        "Merge Anna's work: 1 frame of 1 track",
    ]
    assert masks(paths[0])[3] == mask(9000).counts
    assert masks(paths[0])[4] == mask(9002).counts
    with Document.open(paths[0]) as document:
        assert History(document).entries()[-1].author == "Ben"


def test_prefer_decides(paths, capsys):
    assert run(*paths, "--prefer", "theirs") == 0
    assert masks(paths[0])[3] == mask(9001).counts
    assert "conflict left" not in capsys.readouterr().out


def test_a_dry_run_changes_nothing_and_theirs_never_changes(paths):
    before = [path.read_bytes() for path in paths]
    assert run(*paths, "--dry-run") == 3
    assert [path.read_bytes() for path in paths] == before
    assert run(*paths, "--prefer", "ours") == 0
    assert paths[1].read_bytes() == before[1]
    assert sorted(p.name for p in paths[0].parent.iterdir()) == ["annas.visolo", "ours.visolo"]


def test_once_merged_nothing_differs(paths, capsys):
    run(*paths, "--prefer", "theirs")
    capsys.readouterr()
    assert run(*paths) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Nothing comes over in 1 video that both have",
        "Nothing differs that would come over",
    ]


def test_classes_that_change_are_said(paths, capsys):
    with Document.open(paths[1]) as document:
        history = History(document, "Anna")
        history.do(RenameCategory(2, "puppy"))
        history.do(AddCategory(9, "otter"))
    assert run(*paths, "--dry-run") == 3
    assert capsys.readouterr().out.splitlines()[0] == "Classes: otter is new, class 2 is called puppy."


def test_videos_that_only_they_have_are_added_unless_told_otherwise(paths, tmp_path, capsys):
    document, history = new_project(tmp_path / "more.visolo")
    with document:
        add_video(history, 7)
    assert run(paths[0], document.path, "--matched-only") == 0
    assert run(paths[0], document.path) == 0
    assert "video 7 (only there): nothing" in capsys.readouterr().out
    with Document.open(paths[0]) as ours:
        assert [v.name for v in ours.videos()] == ["video 1", "video 7"]
        assert ours.source_path(2) == tmp_path / "v7.mp4"


@pytest.mark.parametrize(
    ("ours", "theirs", "words"),
    [
        ("none.visolo", "annas.visolo", "there is no such project; check the path"),
        ("ours.visolo", "none.visolo", "cannot read the project (No such file or directory); check the path"),
        ("ours.visolo", "ours.visolo", "this is the open project itself; choose the other one"),
        ("ours.visolo", "text.visolo", "this is not a VISOLO project; open a .visolo file"),
        ("ours.visolo", "newer.visolo", "the project was made by a newer version of this program"),
    ],
)
def test_bad_projects_are_one_sentence(paths, tmp_path, capsys, ours, theirs, words):
    (tmp_path / "text.visolo").write_text("hello")
    newer = tmp_path / "newer.visolo"
    newer.write_bytes(paths[1].read_bytes())
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute(f"PRAGMA user_version = {schema.version() + 1}")
    connection.close()
    assert run(tmp_path / ours, tmp_path / theirs) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


def test_ours_open_in_a_window_is_refused_and_theirs_is_not(paths, capsys):
    with Document.open(paths[1]):
        assert run(*paths, "--prefer", "ours") == 0
    capsys.readouterr()
    with Document.open(paths[0]):
        assert run(*paths) == 2
    assert "open in another window" in capsys.readouterr().err


def test_an_older_project_is_read_from_a_copy(paths, tmp_path):
    old = tmp_path / "old.visolo"
    old.write_bytes(gzip.decompress((Path(__file__).parent / "version-1.visolo.gz").read_bytes()))
    before = old.read_bytes()
    folder = tmp_path / "copy"
    folder.mkdir()
    file = readable(paths[0], old, folder)
    assert file == (old, folder / "old.visolo")
    with read(file) as queries:
        (video,) = queries.videos()
        assert queries.source_path(video.video_id).parent == tmp_path
    assert old.read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_project_in_a_folder_that_cannot_be_written_is_read(paths, tmp_path):
    folder = tmp_path / "shared"
    folder.mkdir()
    their = paths[1].rename(folder / "annas.visolo")
    folder.chmod(0o500)
    try:
        file = readable(paths[0], their, tmp_path)
        with read(file) as queries:
            assert queries.videos()
    finally:
        folder.chmod(0o700)


def test_a_project_that_is_damaged_inside_is_one_sentence(paths):
    data = bytearray(paths[1].read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    paths[1].write_bytes(data)
    file = TheirFile(paths[1], paths[1])
    with read(file) as queries, pytest.raises(ProjectError, match="damaged"):
        queries.videos()
