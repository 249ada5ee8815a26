"""Every way of reaching a frame gives the frame that decoding from the start gives, whatever the file is like."""

import random
import sys
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import av
import pytest

from visolo.io import video
from visolo.io.frames import FrameSource, open_frames
from visolo.io.video_decoder import VideoDecoder

sys.path.insert(0, str(Path(__file__).parent))

from numbered_videos import (
    FRAMES,
    RECIPES,
    Recipe,
    checksum,
    copy_stream,
    left_to_chance,
    paint,
    plain_decode,
    read_number,
    write_video,
)

SEEKS = 120
REGULAR = ["open_gop.mp4", "variable_rate.mp4", "late_start.mp4", "time_gap.mp4", "fragmented.mp4", "h264.mkv"]
REGULAR += ["no_cues.mkv", "vp9.webm", "hevc.mp4", "hevc_open_gop.mp4", "interlaced.mp4", "ten_bits.mp4", "prores.mov"]


@pytest.fixture(scope="session")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives the numbered video of a name in RECIPES, encoded once."""
    folder = tmp_path_factory.mktemp("numbered")

    def get(name: str) -> Path:
        path = folder / name
        return path if path.exists() else write_video(path, RECIPES[name])

    return get


def random_indices(frame_count: int, seeks: int = SEEKS) -> list[int]:
    chooser = random.Random(frame_count)
    return [chooser.randrange(frame_count) for _ in range(seeks)]


def assert_same_as_plain_decode(frames: FrameSource, path: Path, seeks: int = SEEKS, but: Collection[int] = ()) -> None:
    expected = plain_decode(path)
    assert len(frames) == len(expected)

    def others(indices: Iterable[int]) -> list[int]:
        return [i for i in indices if checksum(frames[i]) != expected[i] and i not in but]

    assert others(random_indices(len(expected), seeks)) == []
    assert others(reversed(range(len(expected))[-30:])) == []
    assert others(range(len(expected))) == []


@pytest.mark.parametrize("name", RECIPES)
def test_frames_carry_the_number_they_are_asked_for_by(numbered: Callable[[str], Path], name: str) -> None:
    path = numbered(name)
    with open_frames(path, cache_bytes=0) as frames:
        assert len(frames) == RECIPES[name].frame_count
        assert frames.size == RECIPES[name].size
        wrong = [i for i in random_indices(len(frames)) if read_number(frames[i]) != i]
        assert wrong == []
        assert frames.warnings == ()
        assert_same_as_plain_decode(frames, path, seeks=20)


@pytest.mark.parametrize("name", REGULAR)
def test_long_regular_videos_are_exact_without_being_decoded_first(
    numbered: Callable[[str], Path], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video, "_DECODED_PIXELS", 0)
    monkeypatch.setattr(video, "index_by_decoding", None)
    with open_frames(numbered(name), cache_bytes=0) as frames:
        assert [i for i in random_indices(len(frames)) if read_number(frames[i]) != i] == []
        assert_same_as_plain_decode(frames, numbered(name), seeks=20)


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    """What `-c copy` makes of a cut that does not begin at a key frame: frames 30 to 44 are there, but not shown."""

    def shift(i: int, packet: av.Packet) -> bool:
        packet.pts -= 45 * 512
        packet.dts -= 45 * 512
        return i >= 30

    recipe = Recipe("libx264", {"x264-params": "scenecut=0"}, gop=30, b_frames=3)
    return copy_stream(write_video(tmp_path / "whole.mp4", recipe), tmp_path / "cut.mp4", shift)


@pytest.mark.parametrize("decoded_pixels", [0, video._DECODED_PIXELS])
def test_frames_hidden_by_an_edit_list_do_not_count(
    cut: Path, decoded_pixels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video, "_DECODED_PIXELS", decoded_pixels)
    with av.open(str(cut)) as container:
        assert container.streams.video[0].frames == FRAMES - 30  # what the container says
    with open_frames(cut, cache_bytes=0) as frames:
        assert [read_number(frame) for frame in frames] == list(range(45, FRAMES))
        assert [i for i in random_indices(len(frames)) if read_number(frames[i]) != 45 + i] == []
        assert_same_as_plain_decode(frames, cut, seeks=20)


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_rotation_in_the_metadata_is_applied(tmp_path: Path, degrees: int) -> None:
    path = write_video(tmp_path / "turned.mp4", Recipe("libx264", rotation=degrees, frame_count=40))
    with open_frames(path, cache_bytes=0) as frames:
        assert frames.size == ((96, 64) if abs(degrees) == 90 else (64, 96))
        assert_same_as_plain_decode(frames, path)


def test_the_best_of_several_streams_is_read(tmp_path: Path) -> None:
    path = tmp_path / "streams.mp4"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("libx264", rate=25) for _ in range(2)]
        for stream, (height, width) in zip(streams, [(64, 96), (128, 192)], strict=True):
            stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        for i in range(40):
            for stream in streams:
                frame = av.VideoFrame.from_ndarray(paint(i, stream.height, stream.width))
                frame.pts = i
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))
    with open_frames(path, cache_bytes=0) as frames, av.open(str(path)) as container:
        best = container.streams.best("video")
        assert frames.size == (best.height, best.width)
        assert [read_number(frame) for frame in frames] == list(range(40))
        assert_same_as_plain_decode(frames, path)


def flag_as_key(is_key: bool) -> Callable[[int, av.Packet], bool]:
    def edit(_: int, packet: av.Packet) -> bool:
        packet.is_keyframe = is_key
        return True

    return edit


@pytest.mark.parametrize("name", ["long_gop.mp4", "b_frames.avi", "vp9.webm", "gradual_refresh.mp4"])
@pytest.mark.parametrize("is_key", [True, False])
def test_key_flags_of_the_container_are_not_believed(
    numbered: Callable[[str], Path], tmp_path: Path, name: str, is_key: bool
) -> None:
    suffix = ".avi" if name.endswith("avi") else ".mkv"
    path = copy_stream(numbered(name), tmp_path / f"flags{suffix}", flag_as_key(is_key))
    with open_frames(path, cache_bytes=0) as frames:
        assert [i for i in random_indices(len(frames), 40) if read_number(frames[i]) != i] == []
        assert_same_as_plain_decode(frames, path, seeks=10)


def test_a_recording_that_begins_between_key_frames(numbered: Callable[[str], Path], tmp_path: Path) -> None:
    path = tmp_path / "tuned_in.ts"
    path.write_bytes(numbered("h264.ts").read_bytes()[188 * 30 :])
    with open_frames(path, cache_bytes=0) as frames:
        numbers = [read_number(frame) for frame in frames]
        assert numbers == list(range(numbers[0], FRAMES))
        assert numbers[0] > 0
        assert_same_as_plain_decode(frames, path)


def test_recordings_joined_end_to_end(numbered: Callable[[str], Path], tmp_path: Path) -> None:
    path = tmp_path / "joined.ts"
    path.write_bytes(2 * numbered("h264.ts").read_bytes())
    with open_frames(path, cache_bytes=0) as frames:
        assert [i for i in random_indices(len(frames)) if read_number(frames[i]) != i % FRAMES] == []
        assert frames.frame_rate == pytest.approx(25)
        assert_same_as_plain_decode(frames, path, seeks=20)


def test_pictures_that_do_not_change_are_told_apart_by_place(tmp_path: Path) -> None:
    path = write_video(tmp_path / "still.ts", Recipe("libx264", gop=20), numbers=[i // 30 for i in range(FRAMES)])
    with open_frames(path, cache_bytes=0) as frames:
        assert [i for i in random_indices(len(frames)) if read_number(frames[i]) != i // 30] == []


@pytest.mark.parametrize(
    "name", ["h264.mp4", "h264.mkv", "h264.ts", "b_frames.avi", "hevc.mp4", "vp9.webm", "mpeg2.mpg"]
)
@pytest.mark.parametrize("seed", range(3))
def test_damaged_files_give_the_frames_that_can_be_decoded(
    numbered: Callable[[str], Path], tmp_path: Path, name: str, seed: int
) -> None:
    chooser = random.Random(seed)
    content = bytearray(numbered(name).read_bytes())
    for _ in range(8):
        content[chooser.randrange(len(content) // 5, len(content) * 4 // 5)] ^= 1 << chooser.randrange(8)
    path = tmp_path / name
    path.write_bytes(content)
    # The MPEG-2 decoder leaves parts of a damaged picture unwritten; two plain decodings may differ there.
    unsure = left_to_chance(path) if name == "mpeg2.mpg" else set()
    assert len(unsure) < FRAMES * 2 // 3
    with open_frames(path, cache_bytes=0) as frames:
        assert_same_as_plain_decode(frames, path, seeks=20, but=unsure)


@pytest.mark.parametrize("name", ["fragmented.mp4", "h264.mkv", "b_frames.avi", "vp9.webm"])
def test_cut_off_files_say_so_and_give_the_frames_that_exist(
    numbered: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    content = numbered(name).read_bytes()
    path = tmp_path / name
    path.write_bytes(content[: len(content) * 6 // 10])
    with open_frames(path, cache_bytes=0) as frames:
        assert FRAMES // 4 < len(frames) < FRAMES
        assert f"{name}: the file ends before the length it states; the {len(frames)} frames" in frames.warnings[0]
        assert_same_as_plain_decode(frames, path, seeks=20)


def test_a_change_of_picture_size_is_scaled_away_and_told(numbered: Callable[[str], Path], tmp_path: Path) -> None:
    larger = write_video(tmp_path / "larger.ts", Recipe("libx264", gop=30, size=(128, 192), frame_count=30))
    path = tmp_path / "resized.ts"
    path.write_bytes(numbered("h264.ts").read_bytes() + larger.read_bytes())
    with open_frames(path, cache_bytes=0) as frames:
        assert [read_number(frame) for frame in frames] == [*range(FRAMES), *range(30)]
        assert {frame.shape for frame in frames} == {(*frames.size, 3)}
        assert any(f"the picture size changes at frame {FRAMES}" in warning for warning in frames.warnings)


def test_an_undecodable_stretch_of_a_long_video_shows_the_frame_before_and_shifts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe("mpeg4", gop=10, b_frames=0, frame_count=400)
    path = write_video(tmp_path / "long.mp4", recipe)
    with av.open(str(path)) as container:
        victim = next(packet for i, packet in enumerate(container.demux(video=0)) if i == 87)
        place, size = victim.pos, victim.size
    content = bytearray(path.read_bytes())
    content[place : place + size] = bytes(size)
    path.write_bytes(content)
    assert len(plain_decode(path)) < 400
    monkeypatch.setattr(video, "_DECODED_PIXELS", 0)
    monkeypatch.setattr("visolo.io.frame_index._TRIED_STARTS", 2)
    monkeypatch.setattr("visolo.io.frame_index._TRIED_FRAMES", 5)
    with open_frames(path, cache_bytes=0) as frames:
        assert len(frames) == 400
        assert [read_number(frames[i]) for i in (86, 87, 90, 91, 399, 86)] == [86, 86, 90, 91, 399, 86]
        assert [read_number(frame) for frame in frames][90:] == list(range(90, 400))
        assert any("frame 87 cannot be decoded" in warning for warning in frames.warnings)


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collects the packets that decoding is started at."""
    noted: list[int] = []
    start = VideoDecoder.start
    monkeypatch.setattr(VideoDecoder, "start", lambda self, packet: (noted.append(packet), start(self, packet))[1])
    return noted


def test_reading_on_never_seeks(numbered: Callable[[str], Path], starts: list[int]) -> None:
    with open_frames(numbered("h264.mkv"), cache_bytes=0) as frames:
        for i in range(5, len(frames)):
            assert read_number(frames[i]) == i
    assert len(starts) == 1


def test_stepping_back_within_a_group_decodes_it_once(numbered: Callable[[str], Path], starts: list[int]) -> None:
    with open_frames(numbered("long_gop.mp4")) as frames:
        for i in reversed(range(20, 100)):
            assert read_number(frames[i]) == i
    assert len(starts) == 1


def test_what_is_kept_of_decoded_frames_is_bounded(numbered: Callable[[str], Path], starts: list[int]) -> None:
    ten_frames = 10 * 96 * 64 * 3 // 2  # at most: rows are padded
    with open_frames(numbered("long_gop.mp4"), cache_bytes=ten_frames) as frames:
        for i in (99, 98, 97):
            frames[i]
        assert len(starts) == 1
        frames[88]
        assert len(starts) == 2


@pytest.mark.parametrize("folder", [".", "zoo"])
def test_every_shared_video_is_exact(shared: Path, folder: str) -> None:
    broken = {"audio_only.m4a", "dog_truncated_no_moov.mp4"}
    videos = [path for path in sorted((shared / "media" / folder).iterdir()) if path.is_file()]
    videos = [path for path in videos if path.suffix != ".md" and path.name not in broken]
    assert len(videos) >= 4
    wrong = {}
    for path in videos:
        expected = plain_decode(path)
        with open_frames(path) as frames:
            # Large pictures in long groups take their time: fewer seeks there; tests/bench/seek.py does them all.
            seeks = SEEKS if frames.size[0] * frames.size[1] < 250_000 else 12
            indices = random_indices(len(expected), seeks)
            wrong[path.name] = sum(checksum(frames[i]) != expected[i] for i in indices)
            wrong[path.name] += abs(len(frames) - len(expected))
    assert set(wrong.values()) == {0}, wrong
