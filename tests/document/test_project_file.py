import gzip
import os
import random
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from document_data import (
    LABELS,
    add_video,
    check_consistent,
    frame,
    lanes,
    mask,
    masks_of,
    new_project,
    project_with_run,
    raw_content,
)

from app.document import schema
from app.document.adopt import begin_run
from app.document.document import Document
from app.document.edits import AddCategory, Confirm, EditRefused, SetMask, SwapTracks
from app.document.history import History
from app.document.queries import snapshot
from app.document.records import FrameRange
from visolo.errors import ProjectError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path):
    """A closed project with three tracks."""
    document, _ = project_with_run(tmp_path / "p.visolo")
    document.close()
    return tmp_path / "p.visolo"


def test_closed_project_is_a_single_file(path):
    assert [p.name for p in path.parent.iterdir()] == ["p.visolo"]
    with path.open("rb") as file:
        assert file.read(15) == b"SQLite format 3"


def test_project_reopens_as_it_was_left(path):
    with Document.open(path) as document:
        before = raw_content(document)
        summaries = document.tracks(1)
    with Document.open(path) as document:
        assert raw_content(document) == before
        assert document.tracks(1) == summaries
        assert document.path == path


def test_file_says_what_it_is(path):
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA application_id").fetchone()[0] == schema.APPLICATION_ID
        assert connection.execute("PRAGMA user_version").fetchone()[0] == schema.version()
    connection.close()


def test_project_open_in_another_window_is_refused(path):
    with Document.open(path), pytest.raises(ProjectError, match="open in another window; close it there first"):
        Document.open(path)
    Document.open(path).close()


def test_project_open_in_another_process_is_refused_until_it_ends(path):
    script = (
        "import sys; from app.document.document import Document;"
        "d = Document.open(sys.argv[1]); print('open', flush=True); sys.stdin.readline()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script, str(path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout.readline() == "open\n"
        with pytest.raises(ProjectError, match="open in another window"):
            Document.open(path)
    finally:
        other.kill()
        other.communicate()
    Document.open(path).close()  # a killed process holds no lock
    assert [p.name for p in path.parent.iterdir()] == ["p.visolo"]


def test_closing_twice_does_not_take_the_lock_of_another(path):
    first = Document.open(path)
    first.close()
    with Document.open(path):
        first.close()
        with pytest.raises(ProjectError, match="another window"):
            Document.open(path)


def test_existing_file_is_not_overwritten(path):
    before = path.read_bytes()
    with pytest.raises(ProjectError, match="a file of this name already"):
        Document.create(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "not a VISOLO project"),
        (b"not a database, only text that is long enough to hold a whole header" * 3, "not a VISOLO project"),
        (b"SQLite format 3\0", "not a VISOLO project"),
    ],
)
def test_other_files_are_refused(tmp_path, content, sentence):
    path = tmp_path / "x.visolo"
    path.write_bytes(content)
    with pytest.raises(ProjectError, match=sentence):
        Document.open(path)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_database_of_another_program_is_refused(tmp_path):
    path = tmp_path / "x.visolo"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (a)")
    connection.commit()
    connection.close()
    with pytest.raises(ProjectError, match="of another program"):
        Document.open(path)


def test_missing_file_and_folder_are_said(tmp_path):
    with pytest.raises(ProjectError, match="cannot read the project"):
        Document.open(tmp_path / "none.visolo")
    with pytest.raises(ProjectError, match="a folder, not a project"):
        Document.open(tmp_path)
    with pytest.raises(ProjectError, match="cannot write in that folder"):
        Document.create(tmp_path / "none" / "p.visolo")


def test_newer_project_is_refused_in_words(path):
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {schema.version() + 3}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ProjectError, match="made by a newer version of this program"):
        Document.open(path)
    assert path.read_bytes() == before


def test_truncated_project_is_refused_in_words(path):
    whole = path.read_bytes()
    for size in (len(whole) - 1, len(whole) // 2, 5000, 200):
        path.write_bytes(whole[:size])
        with pytest.raises(ProjectError, match="cut off"):
            Document.open(path)
        assert path.read_bytes() == whole[:size]
    path.write_bytes(whole)
    Document.open(path).close()


def test_damaged_pages_end_in_a_sentence_never_in_a_crash(path):
    whole = path.read_bytes()
    pages = len(whole) // 4096
    noise = random.Random(0)
    refused = 0
    for page in range(pages):
        damaged = bytearray(whole)
        start = max(100, page * 4096)  # the header is another test's
        damaged[start : (page + 1) * 4096] = noise.randbytes((page + 1) * 4096 - start)
        path.write_bytes(damaged)
        try:
            with Document.open(path) as document:
                history = History(document)
                for video in document.videos():
                    for summary in document.tracks(video.video_id):
                        document.lane(video.video_id, summary.track.track_id)
                    for frame_index in range(video.frame_count):
                        document.instances(video.video_id, frame_index)
                history.undo()
        except ProjectError as error:
            refused += "damaged" in str(error) or "cannot be used" in str(error)
        except EditRefused:
            pass
    assert refused > pages // 3
    path.write_bytes(whole)
    Document.open(path).close()


def test_read_only_project_is_refused_in_words(path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # permissions mean nothing to root, who runs many tests
    with pytest.raises(ProjectError, match="read-only; copy it"):
        Document.open(path)


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a folder where not even root can write")
def test_read_only_folder_is_refused_in_words():
    with pytest.raises(ProjectError, match="cannot write in that folder"):
        Document.create(Path("/sys/kernel/p.visolo"))


def fill_disk(document: Document) -> None:
    """Let SQLite find the disk full from now on."""
    (pages,) = document.connection.execute("PRAGMA page_count").fetchone()
    document.connection.execute(f"PRAGMA max_page_count = {pages}")


def test_full_disk_loses_nothing(tmp_path):
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        add_video(history, frame_count=2000)
        history.do(AddCategory(1, "person"))
        history.do(SetMask(1, 1, 0, mask(1), category_id=1))
        fill_disk(document)
        done = 0
        with pytest.raises(ProjectError, match="the disk is full; free some space"):
            for i in range(1, 2000):
                history.do(SetMask(1, 1, i, mask(i)))
                done += 1
        assert lanes(document)[1] == list(range(done + 1))
        assert history.undo_text == (f"Edit mask of 1 on frame {done}")
        document.set_view_state("frame/1", 5)  # not worth an error
        assert document.view_state("frame/1") == 5
        document.connection.execute("PRAGMA max_page_count = 1000000")
        history.do(SetMask(1, 1, 1999, mask(7)))
    with Document.open(tmp_path / "p.visolo") as document:
        assert lanes(document)[1] == [*range(done + 1), 1999]


def test_full_disk_stops_a_run_between_frames(tmp_path):
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        add_video(history, frame_count=4000)
        run = begin_run(history, 1, {}, LABELS, 0)
        run.add([frame(0, [0, 1])])
        fill_disk(document)
        with pytest.raises(ProjectError, match="disk is full"):
            for i in range(1, 4000):
                run.add([frame(i, [0, 1])])
        assert lanes(document) == {1: list(range(run.head)), 2: list(range(run.head))}
        document.connection.execute("PRAGMA max_page_count = 1000000")
        run.add([frame(run.head, [0, 1])])
        run.finish("stopped")


def test_run_that_could_not_end_on_a_full_disk_ends_with_the_next_edit(tmp_path):
    document, history = new_project(tmp_path / "p.visolo")
    with document:
        add_video(history, frame_count=4000)
        run = begin_run(history, 1, {}, LABELS, 0)
        run.add([frame(i, [0, 1]) for i in range(40)])
        history.do(SwapTracks(1, 1, 2, FrameRange(3, None)))
        document.connection.execute("PRAGMA query_only = 1")  # every write fails, as on a disk that went away
        with pytest.raises(ProjectError, match="cannot be written there"):
            run.finish("stopped")
        with pytest.raises(ProjectError, match="cannot be written there"):
            history.do(SetMask(1, 1, 39, mask(5)))
        with pytest.raises(ValueError, match="ended"):
            run.add([frame(40, [0])])
        document.connection.execute("PRAGMA query_only = 0")
        history.do(SetMask(1, 1, 39, mask(5)))
        assert document.runs(1)[0].state == "stopped"
        assert history.active_runs == {}


def test_project_killed_right_after_its_creation_opens(tmp_path):
    with Document.create(tmp_path / "p.visolo"):
        for suffix in ("", "-wal"):
            Path(f"{tmp_path / 'killed.visolo'}{suffix}").write_bytes(
                Path(f"{tmp_path / 'p.visolo'}{suffix}").read_bytes()
            )
    with Document.open(tmp_path / "killed.visolo") as document:
        assert document.videos() == []


def test_failed_creation_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(connection):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(schema, "migrate", fail)
    with pytest.raises(ProjectError):
        Document.create(tmp_path / "p.visolo")
    assert list(tmp_path.iterdir()) == []


# Migrations


def add_counts(connection):
    connection.execute("CREATE TABLE counts (number INTEGER, text TEXT)")
    connection.execute("INSERT INTO counts SELECT count(*), 'cells' FROM cells")


def test_older_project_is_migrated(path, monkeypatch):
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, add_counts))
    with Document.open(path) as document:
        assert document.connection.execute("SELECT * FROM counts").fetchall() == [(36, "cells")]
        assert document.connection.execute("PRAGMA user_version").fetchone()[0] == len(schema.MIGRATIONS)
        assert len(document.tracks(1)) == 3
        History(document).undo()
    assert [p.name for p in path.parent.iterdir()] == ["p.visolo"]


def test_project_of_version_1_is_migrated_with_its_history(tmp_path):
    path = tmp_path / "old.visolo"
    path.write_bytes(gzip.decompress((Path(__file__).parent / "version-1.visolo.gz").read_bytes()))
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        old = {
            table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in ("cells", "masks", "history")
        }
    connection.close()
    with Document.open(path) as document:
        for table, rows in old.items():
            assert document.connection.execute(f"SELECT * FROM {table}").fetchall() == rows
        assert lanes(document) == {1: list(range(12)), 2: list(range(12)), 3: list(range(8))}
        history = History(document)
        assert history.redo_text == "Lock track 2"
        history.redo()
        history.do(Confirm(1, None, FrameRange(0, None)))
        for _ in range(5):
            history.undo()
        assert masks_of(document, 1)[6] == mask(6 * 20).counts
        check_consistent(document)
    with Document.open(path) as document:
        assert document.connection.execute("PRAGMA user_version").fetchone() == (schema.version(),)
    assert [p.name for p in path.parent.iterdir()] == ["old.visolo"]


def test_failing_migration_leaves_the_old_file_as_it_was(path, monkeypatch):
    def fail(connection):
        add_counts(connection)
        connection.execute("SELECT * FROM nowhere")

    before = path.read_bytes()
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, fail))
    with pytest.raises(ProjectError):
        Document.open(path)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["p.visolo"]


def test_migration_brings_along_what_a_killed_program_left_in_the_log(path, monkeypatch):
    document = Document.open(path)
    History(document).do(SwapTracks(1, 1, 2, FrameRange(0, None)))
    expected = raw_content(document)
    copy = path.with_name("copy.visolo")
    for suffix in ("", "-wal"):
        Path(f"{copy}{suffix}").write_bytes(Path(f"{path}{suffix}").read_bytes())
    document.close()
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, add_counts))
    with Document.open(copy) as migrated:
        assert raw_content(migrated) == expected
    assert {p.name for p in path.parent.iterdir()} == {"p.visolo", "copy.visolo"}


# Beside the edits


def test_view_state_is_kept_and_never_undone(path):
    with Document.open(path) as document:
        history = History(document)
        assert document.view_state("hidden/1", []) == []
        document.set_view_state("hidden/1", [2, 3])
        history.undo()
        assert document.view_state("hidden/1", []) == [2, 3]
        assert history.can_redo
    with Document.open(path) as document:
        assert document.view_state("hidden/1") == [2, 3]
        assert document.view_state("nothing") is None


def test_another_thread_reads_a_state_that_stands_still(path):
    seen = []
    with Document.open(path) as document:
        history = History(document)
        ready, edited = threading.Event(), threading.Event()

        def read():
            with snapshot(path) as queries:
                seen.append(lanes(queries))
                ready.set()
                edited.wait(10)
                seen.append(lanes(queries))

        thread = threading.Thread(target=read)
        thread.start()
        assert ready.wait(10)
        history.do(SetMask(1, 1, 0, None))
        edited.set()
        thread.join()
        assert seen[0] == seen[1] != lanes(document)


def test_snapshot_of_a_missing_project_is_a_sentence(tmp_path):
    with pytest.raises(ProjectError), snapshot(tmp_path / "none.visolo") as queries:
        queries.videos()
