"""kill -9 at any moment loses at most the edit in flight."""

import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from document_data import LABELS, add_video, check_consistent, frame, mask, new_project, raw_content

from app.document.adopt import begin_run
from app.document.document import Document
from app.document.edits import (
    AddCategory,
    DeleteTrack,
    MergeTracks,
    ReassignTrack,
    RemoveInstances,
    SetLocked,
    SetMask,
    SplitTrack,
    SwapTracks,
)
from app.document.history import History
from app.document.records import FrameRange

KILLS = 50
FRAMES = 60


def script(history: History):
    """Steps of a session, one transaction each; yields after each."""
    yield history.do(AddCategory(history.document.next_category_id(), "otter"))
    run = begin_run(history, 1, {"model": "lite"}, LABELS, 0)
    yield run
    for first in range(0, FRAMES, 6):
        yield run.add([frame(i, [0, 1, 2]) for i in range(first, first + 6)])
        if first == 12:
            yield history.do(SwapTracks(1, 1, 2, FrameRange(3, None)))
            yield history.do(SplitTrack(1, 3, 8, 9))
        if first == 24:
            yield history.undo()
        if first == 36:
            yield history.redo()
    yield run.finish("done")
    for number in range(6):
        yield history.do(SetMask(1, 1, 7 * number, mask(9000 + number)))
        yield history.do(SwapTracks(1, 1, 2, FrameRange(number, None)))
        yield history.do(ReassignTrack(1, 2, 20 + number, FrameRange(5 * number, 5 * number + 30)))
        yield history.undo()
        yield history.do(RemoveInstances(1, 1, FrameRange(3 * number, 3 * number + 1), absent=True))
    yield history.do(MergeTracks(1, 1, 2))
    yield history.do(SetLocked(1, (1,), True))
    yield history.do(DeleteTrack(1, 3))
    for _ in range(10):
        yield history.undo()
    for _ in range(5):
        yield history.redo()


def state(document: Document) -> tuple:
    """Content and history; the times differ from one playing of the script to the next."""
    entries = document.rows("SELECT entry_id, text, author, video_id, edit, undone FROM history ORDER BY entry_id")
    return raw_content(document), entries, [(r.run_id, r.head) for r in document.runs(1)]


def play(path: Path, acknowledge: int) -> None:
    """In a process of its own: play the script, writing a byte after each step."""
    document = Document.open(path)
    for _ in script(History(document, "tester")):
        os.write(acknowledge, b".")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="starting 50 processes takes too long without fork")
def test_killed_program_loses_at_most_the_step_in_flight(tmp_path):
    base = tmp_path / "base.visolo"
    document, history = new_project(base)
    add_video(history, frame_count=FRAMES)
    document.close()
    shutil.copy(base, tmp_path / "whole.visolo")
    with Document.open(tmp_path / "whole.visolo") as document:
        states = [state(document)]
        start, longest = time.perf_counter(), 0.0
        for _ in script(History(document, "tester")):
            longest = max(longest, time.perf_counter() - start)
            states.append(state(document))
            start = time.perf_counter()

    moments, reached = random.Random(0), set()
    for kill in range(KILLS):
        path = tmp_path / f"{kill}.visolo"
        shutil.copy(base, path)
        steps = play_and_kill(path, moments.randrange(len(states)), moments.uniform(0, longest))
        with Document.open(path) as document:
            assert state(document) in states[steps : steps + 2], f"after {steps} acknowledged steps"
            history = History(document)  # ends the run that was cut off
            check_consistent(document)
            while kill % 5 == 0 and history.can_undo:
                history.undo()
            assert kill % 5 or all(not rows for rows in raw_content(document).values())
        assert sorted(p.name for p in tmp_path.glob(f"{kill}.*")) == [path.name]
        path.unlink()
        reached.add(steps)
    assert len(reached) > 20, "the kills did not spread over the script"


def play_and_kill(path: Path, steps: int, delay_s: float) -> int:
    """Kill a playing process some time after it acknowledged some steps; how many it had acknowledged in the end."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            play(path, writing)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        pipe.read(steps)
        time.sleep(delay_s)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return steps + len(pipe.read())
