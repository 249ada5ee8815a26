"""What open_frames promises for videos: the interface, colours, and one clear sentence for whatever is wrong."""

import errno
import os
import shutil
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from visolo.errors import MediaError
from visolo.io.frames import open_frames
from visolo.io.truncation import is_cut_off

sys.path.insert(0, str(Path(__file__).parent))

from numbered_videos import Recipe, paint, read_number, write_video

LOSSLESS = {"qp": "0"}
UNSPECIFIED, BT709, BT601 = 2, 1, 6
LIMITED, FULL = 1, 2


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    recipe = Recipe("libx264", gop=10, b_frames=2, frame_count=40)
    return write_video(tmp_path_factory.mktemp("video") / "clip.mp4", recipe)


def test_a_video_behaves_like_a_sequence_of_pictures(video: Path) -> None:
    with open_frames(video) as frames:
        assert (len(frames), frames.size, frames.frame_rate, frames.pixel_aspect) == (40, (64, 96), 25.0, 1.0)
        assert (frames.path, frames.name, frames.warnings) == (video, "clip.mp4", ())
        picture = frames[np.int64(17)]
        assert (picture.shape, picture.dtype, picture.flags.c_contiguous) == ((64, 96, 3), np.uint8, True)
        assert read_number(picture) == 17
        assert read_number(frames[-1]) == 39
        assert frames.time_of(10) == pytest.approx(0.4)
        for outside in (40, -41):
            with pytest.raises(IndexError, match=r"clip\.mp4 has frames 0 to 39, not"):
                frames[outside]
        with pytest.raises(IndexError, match="not 99"):
            frames.time_of(99)


def test_two_iterations_do_not_disturb_each_other(video: Path) -> None:
    with open_frames(str(video), cache_bytes=0) as frames:
        pairs = [(read_number(one), read_number(other)) for one, other in zip(frames, iter(frames), strict=True)]
    assert pairs == [(i, i) for i in range(40)]


def test_a_closed_source_says_so(video: Path) -> None:
    with open_frames(video) as frames:
        assert not frames.closed
    assert frames.closed
    frames.close()
    with pytest.raises(ValueError, match=r"clip\.mp4 is closed"):
        frames[0]
    with pytest.raises(ValueError, match="is closed"):
        frames.time_of(0)


@pytest.mark.parametrize(("codec", "pixel_format"), [("libx264", "yuv420p"), ("rawvideo", "rgb24")])
def test_a_picture_belongs_to_the_caller(tmp_path: Path, codec: str, pixel_format: str) -> None:
    path = write_video(tmp_path / "clip.nut", Recipe(codec, pixel_format=pixel_format, frame_count=3))
    with open_frames(path) as frames:
        before = frames[1].copy()
        frames[1][:] = 0
        assert np.array_equal(frames[1], before)
        kept = frames[0]
    assert read_number(kept) == 0


def test_times_are_those_of_the_file(tmp_path: Path) -> None:
    stamps = [0, 40, 200, 240, 1000]
    recipe = Recipe("libx264", frame_count=5, stamps=lambda i: stamps[i], time_base=Fraction(1, 1000))
    with open_frames(write_video(tmp_path / "uneven.mp4", recipe)) as frames:
        assert [frames.time_of(i) for i in range(5)] == pytest.approx([0, 0.04, 0.2, 0.24, 1.0])
        assert frames.frame_rate == pytest.approx(4)


def test_times_missing_in_the_file_follow_from_the_rate(tmp_path: Path) -> None:
    path = write_video(tmp_path / "raw.h264", Recipe("libx264", gop=10, b_frames=2, frame_count=30))
    with av.open(str(path)) as container:
        assert all(packet.pts is None for packet in container.demux(video=0))
    with open_frames(path) as frames:
        assert [frames.time_of(i) for i in (1, 29)] == pytest.approx([1 / 25, 29 / 25])


def test_pixels_that_are_not_square_are_reported_as_shown(tmp_path: Path) -> None:
    aspects = []
    for rotation in (0, 90):
        path = tmp_path / f"wide{rotation}.mp4"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
            stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
            stream.set_display_rotation(rotation)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(paint(0, 64, 96))))
            container.mux(stream.encode(None))
        with open_frames(path) as frames:
            aspects.append((frames.size, frames.pixel_aspect))
    assert aspects == [((64, 96), pytest.approx(4 / 3)), ((96, 64), pytest.approx(3 / 4))]


def expected_rgb(y: float, u: float, v: float, red: float, blue: float, levels: int) -> np.ndarray:
    """RGB of a colour by the standard's own weights of red and blue; `levels` is LIMITED or FULL."""
    luma, spread = ((y - 16) / 219, 224) if levels == LIMITED else (y / 255, 255)
    b_y, r_y = 2 * (1 - blue) * (u - 128) / spread, 2 * (1 - red) * (v - 128) / spread
    r, b = luma + r_y, luma + b_y
    return 255 * np.array([r, (luma - red * r - blue * b) / (1 - red - blue), b])


@pytest.mark.parametrize(
    ("matrix", "weights"), [(BT709, (0.2126, 0.0722)), (BT601, (0.299, 0.114)), (UNSPECIFIED, (0.299, 0.114))]
)
@pytest.mark.parametrize("levels", [LIMITED, FULL])
def test_colours_follow_the_matrix_and_range_of_the_file(
    tmp_path: Path, matrix: int, weights: tuple[float, float], levels: int
) -> None:
    colour = (110, 100, 160)
    path = tmp_path / "colour.mp4"
    planes = np.concatenate([np.full(64 * 96 // share, value) for share, value in zip((1, 4, 4), colour, strict=True)])
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options=LOSSLESS)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.colorspace, stream.codec_context.color_range = matrix, levels
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(planes.astype(np.uint8).reshape(96, 96), format="yuv420p")
            frame.colorspace, frame.color_range = matrix, levels
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with open_frames(path) as frames:
        assert np.abs(frames[1].astype(float) - expected_rgb(*colour, *weights, levels)).max() < 2.5


def test_progress_rises_to_one_and_can_cancel(video: Path, tmp_path: Path) -> None:
    video = Path(shutil.copy(video, tmp_path))  # one that no other test has opened
    heard: list[float] = []
    with open_frames(video, progress=heard.append) as frames:
        assert len(frames) == 40
    assert heard == sorted(heard)
    assert heard[-1] == 1.0
    assert len(heard) > 2

    def cancel(done: float) -> None:
        raise KeyboardInterrupt

    os.utime(video, ns=(1, 1))
    open_files = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    with pytest.raises(KeyboardInterrupt):
        open_frames(video, progress=cancel)
    assert not open_files or len(os.listdir("/proc/self/fd")) == open_files


def message_of(path: Path) -> str:
    with pytest.raises(MediaError) as caught:
        open_frames(path)
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text
    return text


def test_files_that_are_no_videos_get_a_sentence(tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("These are my notes.\n" * 50)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "noise.avi").write_bytes(np.random.default_rng(0).bytes(5000))
    assert "not a video in any format" in message_of(text)
    assert "is empty" in message_of(tmp_path / "empty.mp4")
    assert "not a video in any format" in message_of(tmp_path / "noise.avi")
    assert "no such file or folder" in message_of(tmp_path / "missing.mp4")
    assert "no images in this folder" in message_of(tmp_path)
    assert "neither a file nor a folder" in message_of(Path(os.devnull))


def test_a_file_without_permission_says_so(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise av.error.PermissionError(errno.EACCES, "Permission denied", str(video))

    monkeypatch.setattr(av, "open", refuse)
    assert "no permission to read this file" in message_of(video)


def test_an_mp4_cut_off_before_its_index_says_so(video: Path, tmp_path: Path) -> None:
    path = tmp_path / "recording.mp4"
    path.write_bytes(video.read_bytes()[:4000])
    assert "cut off before its index" in message_of(path)


def test_only_sound_says_so_cover_or_not(tmp_path: Path) -> None:
    for name in ("sound.mka", "song.mp4"):
        with av.open(str(tmp_path / name), "w") as container:
            audio = container.add_stream("aac", rate=8000, layout="mono")
            if name == "song.mp4":
                cover = container.add_stream("mjpeg", rate=25)
                cover.width, cover.height, cover.pix_fmt = 96, 64, "yuvj420p"
                cover.disposition = Disposition.attached_pic
                container.mux(cover.encode(av.VideoFrame.from_ndarray(paint(1, 64, 96))))
                container.mux(cover.encode(None))
            for i in range(20):
                frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
                frame.sample_rate, frame.pts = 8000, 1024 * i
                container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
    assert "no video in this file, only sound;" in message_of(tmp_path / "sound.mka")
    assert "sound and a cover picture" in message_of(tmp_path / "song.mp4")


def test_nothing_decodable_says_so(video: Path, tmp_path: Path) -> None:
    content = bytearray(video.read_bytes())
    media = content.find(b"mdat") + 4
    content[media : content.find(b"moov") - 4] = bytes(content.find(b"moov") - 4 - media)
    path = tmp_path / "blank.mp4"
    path.write_bytes(content)
    assert "nothing in it can be decoded (40 packets)" in message_of(path)


def test_a_file_that_shrinks_while_open_says_so(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.avi", Recipe("rawvideo", frame_count=40))
    with open_frames(path, cache_bytes=0) as frames:
        assert read_number(frames[0]) == 0
        path.write_bytes(b"")
        with pytest.raises(MediaError, match=r"frame 39 cannot be read any more; the file was changed or removed"):
            frames[39]


def test_names_are_files_and_never_addresses_or_patterns(video: Path, tmp_path: Path) -> None:
    for name in ("http:clip.mp4", "frame%03d.mp4", "Überraschung ✓ #1.mp4"):
        path = tmp_path / name
        path.write_bytes(video.read_bytes())
        with open_frames(path) as frames:
            assert len(frames) == 40
    playlist = tmp_path / "list.ffconcat"
    playlist.write_text("ffconcat version 1.0\nfile http://localhost:1/clip.mp4\n")
    message_of(playlist)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.avi"])
def test_whole_files_do_not_count_as_cut_off_and_shortened_ones_do(tmp_path: Path, name: str) -> None:
    path = write_video(tmp_path / name, Recipe("mpeg4", frame_count=10))
    assert not is_cut_off(path)
    path.write_bytes(path.read_bytes()[:-50])
    assert is_cut_off(path)


def test_other_files_do_not_count_as_cut_off(tmp_path: Path) -> None:
    for content in (b"", b"RIFF", b"\x1aE\xdf\xa3", b"\x1aE\xdf\xa3\x00", b"text " * 20):
        (tmp_path / "any").write_bytes(content)
        assert not is_cut_off(tmp_path / "any")
