"""A video that was opened before opens again without decoding it all, as long as it is the same file."""

import os
import shutil
import sys
import threading
from pathlib import Path

import pytest

from visolo.io import video
from visolo.io.frames import open_frames
from visolo.io.known_videos import KnownVideos

sys.path.insert(0, str(Path(__file__).parent))

from numbered_videos import FRAMES, RECIPES, read_number, write_video


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> KnownVideos:
    """Nothing is known yet."""
    fresh = KnownVideos()
    monkeypatch.setattr(video, "_known_videos", fresh)
    return fresh


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were decoded whole."""
    names: list[str] = []
    decode = video.index_by_decoding

    def count(decoder, progress):
        names.append(decoder.path.name)
        return decode(decoder, progress)

    monkeypatch.setattr(video, "index_by_decoding", count)
    return names


@pytest.mark.parametrize("name", ["h264.mp4", "b_frames.avi", "open_gop.mp4"])
def test_the_second_opening_gives_the_same_frames_without_decoding_them_all(known, counted, tmp_path, name):
    path = write_video(tmp_path / name, RECIPES[name])
    with open_frames(path) as frames:
        expected = [read_number(frame) for frame in frames]
    with open_frames(path, cache_bytes=0) as frames:
        assert [read_number(frames[i]) for i in reversed(range(len(frames)))] == expected[::-1]
    assert counted == [name]


def test_a_file_that_was_changed_is_read_anew(known, counted, tmp_path):
    path = write_video(tmp_path / "h264.mp4", RECIPES["h264.mp4"])
    with open_frames(path) as frames:
        assert len(frames) == FRAMES
    other = write_video(tmp_path / "open_gop.mp4", RECIPES["open_gop.mp4"])
    shutil.copyfile(other, path)
    os.utime(path, ns=(1, 1))
    with open_frames(path) as frames:
        assert read_number(frames[len(frames) - 1]) == len(frames) - 1
    assert counted == ["h264.mp4"] * 2


def test_what_is_wrong_with_a_file_is_said_every_time(known, counted, tmp_path):
    path = write_video(tmp_path / "fragmented.mp4", RECIPES["fragmented.mp4"])
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    warnings = []
    for _ in range(2):
        with open_frames(path) as frames:
            warnings.append(frames.warnings)
    assert warnings[0]
    assert warnings[0] == warnings[1]
    assert len(counted) == 1


def test_a_reader_that_distrusts_a_place_leaves_it_to_the_others(known, tmp_path):
    path = write_video(tmp_path / "late_start.mp4", RECIPES["late_start.mp4"])
    with open_frames(path) as one, open_frames(path) as two:
        starts = list(two._index.starts)
        assert len(starts) > 1
        one._index.distrust(starts[-1])
        assert list(two._index.starts) == starts
        assert len(one._index.starts) < len(starts)


def test_who_comes_while_a_file_is_read_waits_for_it(known, counted, tmp_path):
    path = write_video(tmp_path / "h264.mp4", RECIPES["h264.mp4"])
    numbers: list[int] = []
    all_there = threading.Barrier(4)

    def open_it() -> None:
        all_there.wait(20)
        with open_frames(path) as frames:
            numbers.append(read_number(frames[50]))

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert numbers == [50] * 4
    assert counted == ["h264.mp4"]


def test_after_a_stop_the_next_one_reads_the_file(known, counted, tmp_path):
    path = write_video(tmp_path / "h264.mp4", RECIPES["h264.mp4"])

    def stop(share: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        open_frames(path, stop)
    with open_frames(path) as frames:
        assert read_number(frames[7]) == 7


def test_who_waits_can_stop(known, tmp_path):
    path = write_video(tmp_path / "h264.mp4", RECIPES["h264.mp4"])
    began, go_on = threading.Event(), threading.Event()

    def hold(share: float) -> None:
        began.set()
        go_on.wait(20)

    first = threading.Thread(target=lambda: open_frames(path, hold).close())
    first.start()
    assert began.wait(20)

    def stop(share: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        open_frames(path, stop)
    go_on.set()
    first.join(60)


def test_the_oldest_is_forgotten_when_there_is_much(tmp_path, counted, monkeypatch):
    monkeypatch.setattr(video, "_known_videos", KnownVideos(most_packets=FRAMES + FRAMES // 2))
    paths = [write_video(tmp_path / name, RECIPES[name]) for name in ("h264.mp4", "open_gop.mp4")]
    for path in (*paths, paths[1], paths[0]):
        open_frames(path).close()
    assert counted == ["h264.mp4", "open_gop.mp4", "h264.mp4"]
