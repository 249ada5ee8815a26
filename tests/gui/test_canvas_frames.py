"""Frames come from a thread, bounded in memory, the latest request first; playing keeps time and order."""

import threading
import time

import numpy as np
import pytest
from PySide6.QtGui import QImage

from app.video.frame_cache import FrameCache, FrameStore
from app.video.qimage import qimage_of_bgra, qimage_of_mask, qimage_of_rgb, rgb_of_qimage
from visolo.errors import MediaError


class SlowFrames:
    """A source that decodes when it is let, and says what was asked for."""

    def __init__(self, count: int = 60, broken: frozenset[int] = frozenset()) -> None:
        self.count, self.broken = count, broken
        self.asked: list[int] = []
        self.closed = False
        self.gate = threading.Semaphore(0)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, frame_index: int) -> np.ndarray:
        self.gate.acquire(timeout=20)
        self.asked.append(frame_index)
        if frame_index in self.broken:
            raise MediaError(f"clip.mp4: frame {frame_index} is damaged")
        return np.full((8, 8, 3), frame_index, dtype=np.uint8)

    def __enter__(self) -> "SlowFrames":
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True


@pytest.fixture
def cache(qapp):
    cache = FrameCache(capacity_bytes=10 * 8 * 8 * 4)
    yield cache
    cache.close()


def _open(cache: FrameCache, frames: SlowFrames, permits: int = 1000) -> SlowFrames:
    cache.set_source(frames)
    if permits:
        frames.gate.release(permits)
    return frames


def test_pixels_survive_the_way_to_qt_and_back():
    frame = np.random.default_rng(0).integers(0, 256, (7, 5, 3), dtype=np.uint8)
    np.testing.assert_array_equal(rgb_of_qimage(qimage_of_rgb(frame)), frame)
    assert qimage_of_rgb(frame[:, ::-1]).pixelColor(0, 0).red() == frame[0, 4, 0]


def test_overlays_keep_colour_and_alpha():
    pixels = np.zeros((3, 4, 4), dtype=np.uint8)
    pixels[1, 2] = (10, 20, 30, 128)
    image = qimage_of_bgra(pixels)
    assert image.pixelColor(2, 1).alpha() == 128
    assert image.pixelColor(0, 0).alpha() == 0
    mask = qimage_of_mask(np.eye(3, 5, dtype=np.uint8), image.pixelColor(2, 1))
    assert mask.pixelColor(1, 1).alpha() == 128
    assert mask.pixelColor(1, 0).alpha() == 0


def test_memory_is_bounded_and_what_is_far_goes_first():
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    store = FrameStore(5 * image.sizeInBytes())
    for frame_index in range(20):
        store.put(frame_index, image.copy(), head=8, direction=1)
    assert store.bytes_used() == 5 * image.sizeInBytes()
    assert store.indices() == {7, 8, 9, 10, 11}


def test_the_asked_frame_comes_first_and_the_next_ones_follow(cache, qtbot):
    frames = _open(cache, SlowFrames())
    cache.request(30)
    qtbot.waitUntil(lambda: cache.image(34) is not None)
    assert frames.asked[:5] == [30, 31, 32, 33, 34]
    assert rgb_of_qimage(cache.image(32))[0, 0, 0] == 32


def test_going_backwards_fetches_what_comes_before(cache, qtbot):
    frames = _open(cache, SlowFrames())
    cache.request(30, direction=-1)
    qtbot.waitUntil(lambda: all(cache.image(i) is not None for i in range(26, 31)))
    assert min(frames.asked) < 30
    assert max(frames.asked) == 30


def test_while_scrubbing_only_the_latest_request_counts(cache, qtbot):
    frames = _open(cache, SlowFrames(), permits=0)
    for frame_index in (3, 50, 20, 41):
        cache.request(frame_index)
    frames.gate.release(1000)
    qtbot.waitUntil(lambda: cache.image(41) is not None)
    assert 50 not in frames.asked
    assert 20 not in frames.asked


def test_asking_never_blocks(cache):
    frames = _open(cache, SlowFrames(), permits=0)
    started = time.monotonic()
    for frame_index in range(50):
        cache.request(frame_index)
        assert cache.image(frame_index) is None
    assert time.monotonic() - started < 1.0
    frames.gate.release(1000)


def test_a_damaged_frame_is_reported_and_the_others_still_come(cache, qtbot):
    _open(cache, SlowFrames(broken=frozenset({5})), permits=1000)
    with qtbot.waitSignal(cache.frame_failed) as failed:
        cache.request(5)
    assert failed.args == [5, "clip.mp4: frame 5 is damaged"]
    qtbot.waitUntil(lambda: cache.image(6) is not None)


def test_closing_ends_the_thread_and_the_source(cache, qtbot):
    frames = _open(cache, SlowFrames())
    cache.request(0)
    qtbot.waitUntil(lambda: cache.image(2) is not None)
    cache.close()
    assert frames.closed
    assert not cache.has_source


def test_playing_shows_frames_in_order_at_the_real_rate(window, qtbot, press):
    session, player = window.session, window.workspace.player
    shown: list[int] = []
    session.frame_changed.connect(shown.append)
    qtbot.waitUntil(lambda: all(window.workspace.cache.image(i) is not None for i in range(36)), timeout=20_000)
    started = time.monotonic()
    player.play()
    qtbot.waitUntil(lambda: session.frame_index >= 20, timeout=20_000)
    seconds = time.monotonic() - started
    player.pause()
    assert shown == sorted(shown)
    # 20 frames at 25 per second, never early; how late depends on what else the computer does.
    assert seconds >= 0.78


def test_speed_changes_the_pace_and_the_end_stops_or_loops(window, qtbot):
    session, player = window.session, window.workspace.player
    session.show_frame(36)
    player.set_speed(4.0)
    player.play()
    qtbot.waitUntil(lambda: not player.is_playing, timeout=20_000)
    assert session.frame_index == 39
    window.workspace.actions.action("play.loop").trigger()
    assert player.loop
    session.show_frame(38)
    player.play()
    qtbot.waitUntil(lambda: 0 < session.frame_index < 30, timeout=20_000)
    assert player.is_playing
    player.pause()


def test_a_jump_while_playing_goes_on_from_there(window, qtbot):
    session, player = window.session, window.workspace.player
    player.play()
    session.show_frame(25)
    qtbot.waitUntil(lambda: session.frame_index > 26, timeout=20_000)
    assert session.frame_index < 39
    player.pause()


def test_a_frame_that_is_not_there_yet_is_announced_and_takes_no_clicks(window, qtbot):
    frames = SlowFrames(40)
    canvas, session = window.workspace.canvas, window.session
    window.workspace.cache.set_source(frames)
    canvas.media_ready()
    session.show_frame(9)
    qtbot.waitUntil(lambda: canvas.view._notice == "Loading frame 9…")
    assert not canvas.view.accepts_edits
    frames.gate.release(1000)
    qtbot.waitUntil(lambda: canvas.shown_frame == 9)
    assert canvas.view._notice == ""
    assert canvas.view.accepts_edits


def test_uneven_frames_are_shown_when_they_are_due(window, qtbot):
    session, player = window.session, window.workspace.player
    qtbot.waitUntil(lambda: all(window.workspace.cache.image(i) is not None for i in range(12)), timeout=20_000)
    # Ten frames at once, then a still of a second.
    player.set_times(np.concatenate([np.linspace(0, 0.1, 10), 1.1 + np.arange(30) * 0.04]))
    assert player.time_of(10) == pytest.approx(1.1)
    player.play()
    qtbot.waitUntil(lambda: session.frame_index == 9, timeout=20_000)
    qtbot.wait(300)
    assert session.frame_index == 9
    started = time.monotonic()
    qtbot.waitUntil(lambda: session.frame_index >= 10, timeout=20_000)
    assert time.monotonic() - started > 0.3
    player.pause()


def test_times_come_from_the_file(window):
    player = window.workspace.player
    assert player.time_of(0) == 0.0
    assert player.time_of(25) == pytest.approx(1.0)
    window.session.show_frame(39)
    assert window.status._time.text() == "00:01.56"


def test_a_long_message_does_not_widen_the_window(window):
    width = window.minimumSizeHint().width()
    window.session.message.emit("a very long message " * 40)
    assert window.minimumSizeHint().width() == width
