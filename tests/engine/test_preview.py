"""A picture of a video without indexing it."""

import numpy as np
import pytest
from PIL import Image

from visolo.errors import MediaError
from visolo.io.frames import open_frames
from visolo.io.preview import preview_frame
from visolo.resources import resource_path


def test_preview_of_a_video_is_one_of_its_frames():
    path = resource_path("samples", "bikes.mp4")
    picture = preview_frame(path)
    with open_frames(path) as frames:
        assert any(np.array_equal(picture, frame) for frame in frames)


def test_preview_of_a_folder_is_from_a_quarter_in(tmp_path):
    for i in range(8):
        Image.new("RGB", (6, 4), (i, 0, 0)).save(tmp_path / f"{i}.png")
    assert preview_frame(tmp_path)[0, 0, 0] == 2


@pytest.mark.parametrize(
    "name", ["dog_rot90_meta.mp4", "iscc_demo.m1v", "dog_truncated_fragmented.mp4", "decord_90.mov"]
)
def test_preview_of_unusual_files_is_upright_and_whole(shared, name):
    path = shared / "media" / "zoo" / name.replace("decord_90", "decord_video_90")
    with open_frames(path) as frames:
        assert preview_frame(path).shape == (*frames.size, 3)


@pytest.mark.parametrize("name", ["no.mp4", "text.mp4"])
def test_no_picture_is_said_in_a_sentence(tmp_path, name):
    (tmp_path / "text.mp4").write_text("no video", encoding="utf-8")
    with pytest.raises(MediaError, match=name):
        preview_frame(tmp_path / name)
