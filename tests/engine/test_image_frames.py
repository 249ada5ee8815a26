"""Folders and lists of images as videos."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from visolo.errors import MediaError
from visolo.io.frames import open_frames

PICTURE = np.random.default_rng(0).integers(0, 256, (24, 36, 3), np.uint8)
GREY = PICTURE[:, :, 0]


def save(path: Path, array: np.ndarray = PICTURE, mode: str | None = None, **options: object) -> Path:
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def test_a_folder_is_a_video_in_natural_order(tmp_path: Path) -> None:
    order = ["Frame1.png", "frame2.png", "frame10.png", "frame010.webp", "frame11.bmp", "x.PNG"]
    for value, name in enumerate(order):
        save(tmp_path / name, np.full((4, 6, 3), value, np.uint8), lossless=True)
    save(tmp_path / ".hidden.png")
    (tmp_path / "notes.txt").write_text("not a frame")
    (tmp_path / "folder.png").mkdir()
    with open_frames(tmp_path) as frames:
        assert (len(frames), frames.size, frames.frame_rate, frames.time_of(3)) == (6, (4, 6), None, None)
        assert (frames.path, frames.name, frames.pixel_aspect) == (tmp_path, tmp_path.name, 1.0)
        values = [int(frame.max()) for frame in frames]
    assert values == [0, 1, 2, 3, 4, 5]


def test_a_list_of_images_keeps_its_order(tmp_path: Path) -> None:
    paths = [save(tmp_path / f"{i}.png", np.full((4, 6, 3), i, np.uint8)) for i in (3, 1, 2)]
    with open_frames(paths) as frames:
        assert [int(frame.max()) for frame in frames] == [3, 1, 2]
        assert frames.path == tmp_path
        with pytest.raises(IndexError, match="has frames 0 to 2, not 3"):
            frames[3]


def test_a_single_image_is_a_video_of_one_frame(tmp_path: Path) -> None:
    with open_frames(save(tmp_path / "one.png")) as frames:
        assert len(frames) == 1
        assert np.array_equal(frames[0], PICTURE)


def grey_as_rgb(levels: np.ndarray) -> np.ndarray:
    return np.repeat(levels[:, :, None], 3, axis=2)


def test_every_kind_of_pixel_becomes_eight_bit_rgb(tmp_path: Path) -> None:
    alpha = np.dstack([PICTURE, GREY])
    save(tmp_path / "grey.png", GREY)
    save(tmp_path / "grey16.png", GREY.astype(np.uint16) * 256 + 77)
    save(tmp_path / "grey16.tiff", GREY.astype(np.uint16) * 256 + 77)
    save(tmp_path / "alpha.png", alpha)
    save(tmp_path / "grey_alpha.png", GREY, mode="LA")
    save(tmp_path / "two_levels.png", GREY > 127)
    save(tmp_path / "cmyk.tiff", mode="CMYK")
    palette = Image.fromarray(PICTURE).quantize(16)
    palette.save(tmp_path / "palette.png", transparency=bytes(range(16)))
    expected = {"alpha.png": PICTURE, "cmyk.tiff": PICTURE, "two_levels.png": grey_as_rgb(255 * np.uint8(GREY > 127))}
    expected["palette.png"] = np.asarray(palette.convert("RGB"))
    for name in sorted(os.listdir(tmp_path)):
        with open_frames(tmp_path / name) as frames:
            picture = frames[0]
        assert (picture.dtype, picture.shape) == (np.uint8, (24, 36, 3)), name
        assert np.array_equal(picture, expected.get(name, grey_as_rgb(GREY))), name


def test_jpeg_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    half = np.zeros((24, 36, 3), np.uint8)
    half[:, :18] = 255  # left as stored, which is the top once upright
    with open_frames(save(tmp_path / "phone.jpg", half, exif=exif)) as frames:
        assert frames.size == (36, 24)
        assert frames[0][:16].min() > 200
        assert frames[0][20:].max() < 50


def test_pictures_belong_to_the_caller(tmp_path: Path) -> None:
    with open_frames(save(tmp_path / "one.png")) as frames:
        frames[0][:] = 0
        assert np.array_equal(frames[0], PICTURE)


def test_images_of_another_size_are_named(tmp_path: Path) -> None:
    save(tmp_path / "1.png")
    save(tmp_path / "2.png", PICTURE[:20])
    with pytest.raises(MediaError, match=r"2\.png: is 36x20 pixels, but 1\.png is 36x24; all images"):
        open_frames(tmp_path)


def test_images_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    save(tmp_path / "1.png")
    (tmp_path / "2.png").write_text("no image")
    with pytest.raises(MediaError, match=r"2\.png: this image cannot be read \(it is not an image\); replace"):
        open_frames(tmp_path)
    with pytest.raises(MediaError, match=r"3\.png: this image does not exist"):
        open_frames([tmp_path / "1.png", tmp_path / "3.png"])
    with pytest.raises(MediaError, match="a video of no images"):
        open_frames([])


def test_images_damaged_behind_their_header_are_named_when_read(tmp_path: Path) -> None:
    path = save(tmp_path / "1.jpg")
    path.write_bytes(path.read_bytes()[:-400])
    save(tmp_path / "2.tiff", np.zeros((24, 36), np.float32))
    with open_frames(tmp_path) as frames:
        with pytest.raises(MediaError, match=r"1\.jpg: this image cannot be read \(image file is truncated"):
            frames[0]
        with pytest.raises(MediaError, match=r"2\.tiff: this image cannot be read \(floating-point pixels\)"):
            frames[1]


def test_an_image_replaced_by_one_of_another_size_is_named(tmp_path: Path) -> None:
    path = save(tmp_path / "1.png")
    with open_frames(tmp_path) as frames:
        save(path, PICTURE[:10])
        with pytest.raises(MediaError, match=r"1\.png: is 36x10 pixels"):
            frames[0]


def test_progress_over_images_rises_to_one_and_can_cancel(tmp_path: Path) -> None:
    save(tmp_path / "1.png")
    heard: list[float] = []
    open_frames(tmp_path, progress=heard.append).close()
    assert heard == [0.0, 1.0]

    def cancel(done: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        open_frames(tmp_path, progress=cancel)
