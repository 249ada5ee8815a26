"""Reading training data, and the clips that are made of it."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from visolo.categories import Category, load_label_set
from visolo.config import load_preset, preset_names
from visolo.errors import AnnotationError, ConfigError, MediaError
from visolo.training.augmentation import Focus, official_views, warp_labels, zoom_views
from visolo.training.batches import ClipSteps, collate
from visolo.training.category_map import check_category_map, match_categories, read_category_map
from visolo.training.clips import Clip, ClipMaker
from visolo.training.config import TrainingConfig, load_training_config, training_config_from_table
from visolo.training.datasets import left_out, read_training_data

sys.path.insert(0, str(Path(__file__).parent))

from training_data import COCO_CATEGORIES, write_stills, write_video

# pycocotools decodes masks with an array protocol that numpy 2 deprecates.

LITE = load_label_set("lite")
SIZE = (48, 64)
ZOOM = TrainingConfig(augmentation="zoom", batch_size=2, self_read_share=0.5, seed=3)


def _class_of(name):
    return [category.name for category in LITE.categories].index(name)


def _edit(path, change):
    table = json.loads(path.read_text())
    change(table)
    path.write_text(json.dumps(table))
    return path


def test_stills_are_videos_of_one_frame(tmp_path):
    data = read_training_data(write_stills(tmp_path), LITE)
    assert [video.is_still for video in data.videos] == [True] * 4
    assert data.videos[0].classes == (_class_of("person"),)
    assert data.videos[0].size == (60, 80)
    assert data.categories == ("person", "car", "chair")
    assert data.unknown == ()


def test_held_out_ids_are_not_read(tmp_path):
    data = read_training_data(write_stills(tmp_path, count=5), LITE, hold_out=2)
    assert [video.paths[0].stem for video in data.videos] == ["001", "003", "005"]


def test_pictures_without_known_objects_are_counted_as_skipped(tmp_path):
    path = _edit(write_stills(tmp_path), lambda table: table["annotations"][0].update(category_id=62))
    assert read_training_data(path, LITE).skipped == 1


def test_crowds_are_left_out(tmp_path):
    path = _edit(write_stills(tmp_path), lambda table: table["annotations"][1].update(iscrowd=1))
    assert len(read_training_data(path, LITE).videos) == 3


def test_annotated_stills_without_known_objects_are_backgrounds(tmp_path):
    path = write_stills(tmp_path)
    _edit(path, lambda table: table["annotations"][0].update(category_id=62))
    _edit(path, lambda table: table["annotations"][1].update(iscrowd=1))  # people all the same
    _edit(path, lambda table: table["annotations"].pop())  # perhaps nobody looked at it
    data = read_training_data(path, LITE)
    assert [still.paths[0].stem for still in data.backgrounds] == ["001"]
    maker = ClipMaker([data], None, SIZE, replace(ZOOM, augmentation="official", background_share=1.0))
    assert maker.draw(np.random.default_rng(0), 2).labels.max() == 0


def test_a_video_keeps_absent_frames(tmp_path):
    video = read_training_data(write_video(tmp_path), LITE).videos[0]
    assert len(video.paths) == 5
    assert video.masks[4] == (None,)
    assert video.classes == (_class_of("car"),)


@pytest.mark.parametrize(
    ("label_set", "coco_name", "expected"),
    [("ytvis2019", "car", "sedan"), ("ytvis2021", "motorcycle", "motorbike"), ("lite", "bicycle", "motorbike")],
)
def test_coco_names_follow_the_published_table(tmp_path, label_set, coco_name, expected):
    ids = {"car": 3, "motorcycle": 4, "bicycle": 2}
    labels = load_label_set(label_set)
    classes, _ = match_categories([Category(ids[coco_name], coco_name)], labels, tmp_path)
    assert labels.categories[classes[ids[coco_name]]].name == expected


def test_the_computer_mouse_is_no_animal(tmp_path):
    labels = load_label_set("ytvis2021")
    classes, unknown = match_categories([Category(74, "mouse"), Category(1, "person")], labels, tmp_path)
    assert 74 not in classes
    assert unknown == ("mouse",)


def test_no_matching_category_is_a_clear_error(tmp_path):
    path = write_stills(tmp_path, categories=[{"id": 1, "name": "teapot"}])
    with pytest.raises(AnnotationError, match="no category matches the label set 'lite'"):
        read_training_data(path, LITE)


@pytest.mark.parametrize(
    ("category_map", "expected"), [({"teapot": "giant panda"}, "giant_panda"), ({"Teapot": "dog", "person": ""}, "dog")]
)
def test_a_mapping_of_the_user_comes_before_names(tmp_path, category_map, expected):
    categories = [{"id": 1, "name": "teapot"}, {"id": 2, "name": "person"}]
    data = read_training_data(write_stills(tmp_path, categories=categories), LITE, category_map=category_map)
    assert {video.classes for video in data.videos} == {(_class_of(expected),)}


@pytest.mark.parametrize(
    ("category_map", "message"),
    [({"teapot": "dgo"}, "no class 'dgo'; did you mean 'dog'"), ({"teapod": "dog"}, "no data file has a category")],
)
def test_a_mapping_that_maps_nothing_is_a_clear_error(category_map, message):
    with pytest.raises(ConfigError, match=message):
        check_category_map(category_map, LITE, ("teapot",))


def test_mappings_are_pairs_or_files_of_pairs(tmp_path):
    (tmp_path / "map.json").write_text('{"puppy": "dog"}')
    assert read_category_map([str(tmp_path / "map.json"), "a b = cat"]) == {"puppy": "dog", "a b": "cat"}
    (tmp_path / "bad.json").write_text("[1]")
    for value in (tmp_path / "bad.json", tmp_path / "none.json", "puppy"):
        with pytest.raises(ConfigError, match="--map"):
            read_category_map([str(value)])


def test_what_is_left_out_is_said(tmp_path):
    path = _edit(write_stills(tmp_path), lambda table: table["annotations"][0].update(category_id=62))
    assert "objects of chair are left out" in left_out(read_training_data(path, LITE))
    assert left_out(read_training_data(path, LITE, category_map={"chair": "dog"})) == ""


def test_a_missing_image_is_found_before_training(tmp_path):
    path = write_video(tmp_path)
    (tmp_path / "JPEGImages" / "v" / "00003.png").unlink()
    with pytest.raises(MediaError, match=r"00003\.png: this image of .* is missing"):
        read_training_data(path, LITE)


def test_a_missing_file_is_a_clear_error(tmp_path):
    with pytest.raises(AnnotationError, match="cannot be read"):
        read_training_data(tmp_path / "none.json", LITE)


@pytest.mark.parametrize("text", ["not json", "[]", '{"videos": []}', '{"categories": []}'])
def test_other_files_are_a_clear_error(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(AnnotationError, match=r"x\.json"):
        read_training_data(path, LITE)


def test_images_that_are_nowhere_are_a_clear_error(tmp_path):
    path = write_stills(tmp_path)
    (tmp_path / "images").rename(tmp_path / "elsewhere")
    with pytest.raises(MediaError, match=r"001\.png"):
        read_training_data(path, LITE)


def test_a_wrong_number_of_masks_is_a_clear_error(tmp_path):
    path = _edit(write_video(tmp_path), lambda table: table["annotations"][0]["segmentations"].pop())
    with pytest.raises(AnnotationError, match="4 masks, the video has 5 frames"):
        read_training_data(path, LITE)


def test_a_record_without_its_fields_is_a_clear_error(tmp_path):
    path = _edit(write_stills(tmp_path), lambda table: table["images"][0].pop("height"))
    with pytest.raises(AnnotationError, match="height"):
        read_training_data(path, LITE)


def test_a_picture_of_another_size_is_a_clear_error(tmp_path):
    path = write_stills(tmp_path, count=1)
    cv2.imwrite(str(tmp_path / "images" / "001.png"), np.zeros((10, 10, 3), np.uint8))
    with pytest.raises(MediaError, match="10 x 10 px, its record says 80 x 60"):
        _maker(path, ZOOM).draw(np.random.default_rng(0), 1)


def _maker(path, config, weights=None, *others):
    data = [read_training_data(p, LITE) for p in (path, *others)]
    return ClipMaker(data, weights, SIZE, config)


@pytest.mark.parametrize("augmentation", ["official", "zoom"])
@pytest.mark.parametrize("write", [write_stills, write_video])
def test_clips_have_the_asked_shape_and_labels(tmp_path, augmentation, write):
    maker = _maker(write(tmp_path), replace(ZOOM, augmentation=augmentation))
    for seed in range(12):
        clip = maker.draw(np.random.default_rng(seed), 3)
        assert clip.images.shape == (3, *SIZE, 3)
        assert clip.labels.shape == (3, *SIZE)
        assert clip.labels.max() <= len(clip.classes)


def test_labels_lie_on_the_object_they_name(tmp_path):
    maker = _maker(write_stills(tmp_path), replace(ZOOM, augmentation="official"))
    for seed in range(8):
        clip = maker.draw(np.random.default_rng(seed), 2)
        inside = clip.images[clip.labels > 0]
        if len(inside) > 50:
            assert np.median(np.abs(inside.astype(int) - (240, 200, 30)).max(1)) < 10
            assert np.median(clip.images[clip.labels == 0].max(1)) < 60


def test_objects_without_any_mask_are_a_clear_error(tmp_path):
    path = _edit(write_video(tmp_path), lambda table: table["annotations"][0].update(segmentations=[None] * 5))
    with pytest.raises(AnnotationError, match="no object has a mask"):
        _maker(path, ZOOM)


def test_the_same_generator_state_gives_the_same_clip(tmp_path):
    maker = _maker(write_stills(tmp_path), ZOOM)
    first, second, other = (maker.draw(np.random.default_rng(seed), 3) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.images, second.images)
    np.testing.assert_array_equal(first.labels, second.labels)
    assert not np.array_equal(first.images, other.images)


def test_frames_of_a_clip_from_a_still_differ(tmp_path):
    clip = _maker(write_stills(tmp_path), ZOOM).draw(np.random.default_rng(0), 3)
    assert not np.array_equal(clip.images[0], clip.images[1])


def test_weights_decide_which_file_clips_come_from(tmp_path):
    stills, video = write_stills(tmp_path / "a"), write_video(tmp_path / "b")
    maker = _maker(stills, replace(ZOOM, augmentation="official"), (0.0, 1.0), video)
    drawn = {maker.draw(np.random.default_rng(seed), 1).classes for seed in range(10)}
    assert drawn == {(_class_of("car"),)}


@pytest.mark.parametrize(("batch_source", "mixed_steps"), [("official", 0), ("mixed", 12)])
def test_a_step_comes_from_one_file_or_from_all(tmp_path, batch_source, mixed_steps):
    stills, video = write_stills(tmp_path / "a"), write_video(tmp_path / "b")
    config = replace(ZOOM, augmentation="official", batch_source=batch_source, batch_size=8)
    steps = ClipSteps(_maker(stills, config, (0.25, 0.75), video), config, range(30))
    classes = [_shown_classes(steps[i]) for i in range(30)]
    assert sum(len(found) > 1 for found in classes) >= mixed_steps
    if batch_source == "official":
        assert all(len(found) == 1 for found in classes)
        assert 15 <= sum(found == {_class_of("car")} for found in classes) <= 29


def _shown_classes(batch):
    shown = batch.part(0, len(batch.images)).masks.flatten(3).any(3).any(1)
    return set(batch.classes[shown].tolist())


def test_balance_draws_rare_classes_as_often_as_common_ones(tmp_path):
    path = write_stills(tmp_path, count=8)
    _edit(path, lambda table: table["annotations"][0].update(category_id=3))
    config = replace(ZOOM, augmentation="official", balance=1.0)
    maker = _maker(path, config)
    cars = sum(maker.draw(np.random.default_rng(s), 1).classes == (_class_of("car"),) for s in range(100))
    assert 35 <= cars <= 65


def test_pasting_adds_objects_with_their_class(tmp_path):
    maker = _maker(write_stills(tmp_path), ZOOM)
    pasted = [c for c in (maker.draw(np.random.default_rng(s), 2) for s in range(20)) if len(c.classes) > 1]
    assert pasted
    assert any((clip.labels == 2).any() for clip in pasted)


def test_steps_with_clips_of_one_frame_have_more_clips(tmp_path):
    steps = ClipSteps(_maker(write_stills(tmp_path), ZOOM), ZOOM, range(10))
    shapes = {tuple(steps[i].images.shape[:2]) for i in range(10)}
    assert shapes == {(2, 3), (6, 1)}


def test_a_step_is_the_same_whenever_it_is_reached(tmp_path):
    maker = _maker(write_stills(tmp_path), ZOOM)
    torch.testing.assert_close(
        ClipSteps(maker, ZOOM, range(10))[7].images, ClipSteps(maker, ZOOM, range(5, 10))[2].images
    )


def test_specks_and_unused_objects_are_dropped_from_a_batch():
    labels = np.zeros((2, *SIZE), np.uint8)
    labels[0, 5:25, 5:25] = 2
    labels[1, 0, :3] = 2
    labels[0, 40, 40] = 1
    batch = collate([Clip(np.zeros((2, *SIZE, 3), np.uint8), labels, (4, 7, 9))], least_area_px=24)
    assert batch.classes.tolist() == [[7]]
    assert batch.part(0, 1).masks.sum((3, 4)).tolist() == [[[400], [0]]]


def test_instances_keep_their_slot_where_they_are_absent():
    labels = np.zeros((2, *SIZE), np.uint8)
    labels[0, :9, :9], labels[1, 20:30, 20:30], labels[:, 40:48, 50:60] = 1, 3, 4
    other = np.zeros((2, *SIZE), np.uint8)
    images = np.zeros((2, *SIZE, 3), np.uint8)
    batch = collate([Clip(images, labels, (4, 7, 9, 2)), Clip(images, other, ())])
    assert batch.classes[0].tolist() == [4, 9, 2]
    part = batch.part(0, 2)
    assert part.masks.sum((3, 4)).tolist() == [[[81, 0, 80], [0, 100, 80]], [[0, 0, 0], [0, 0, 0]]]
    np.testing.assert_array_equal(part.masks[0, 1, 1].numpy(), labels[1] == 3)


def test_views_zoom_in_on_their_focus():
    labels = np.zeros((480, 640), np.uint8)
    labels[200:260, 300:380] = 1
    focus = Focus(300, 200, 80, 60)
    shares = [
        (warp_labels(labels, view, SIZE) > 0).mean()
        for seed in range(40)
        for view in zoom_views(np.random.default_rng(seed), labels.shape, SIZE, 1, focus)
    ]
    assert np.mean(np.array(shares) > 0) > 0.9
    assert np.mean(shares) > 4 * (labels > 0).mean()


def test_official_views_flip_all_frames_of_a_clip_alike():
    for seed in range(10):
        views = official_views(np.random.default_rng(seed), (480, 640), (352, 624), 3)
        assert len({bool(np.linalg.det(view[:, :2]) > 0) for view in views}) == 1


def test_official_views_show_no_more_than_the_rotated_frame():
    for seed in range(10):
        (view,) = official_views(np.random.default_rng(seed), (480, 640), (352, 624), 1)
        middle = np.linalg.inv(np.vstack((view, (0, 0, 1)))) @ (312, 176, 1)
        assert 0 < middle[0] < 640
        assert 0 < middle[1] < 480


def test_official_views_are_as_large_as_the_shorter_side_says():
    sizes = set()
    for seed in range(30):
        views = official_views(np.random.default_rng(seed), (500, 600), (352, 624), 2, (400, 600))
        first, second = (np.sqrt(abs(np.linalg.det(view[:, :2]))) for view in views)
        assert first == pytest.approx(second)
        sizes.add(round(first * 500))
    # 400 gives 480 px of width, which is raised to that of the crop.
    assert sizes == {round(np.sqrt(400 * 625 / 600 * 500)), 600}
    (wide,) = official_views(np.random.default_rng(0), (100, 1000), (352, 624), 1, (480,))
    across = wide[:, :2] @ np.array((1000, 0))
    assert np.hypot(*across) == pytest.approx(1333)


@pytest.mark.parametrize("flip", ["clip", "frame"])
def test_frames_are_flipped_together_or_apart(flip):
    flips = [
        [np.linalg.det(view[:, :2]) < 0 for view in official_views(rng, (480, 640), (352, 624), 3, flip=flip)]
        for rng in map(np.random.default_rng, range(40))
    ]
    assert {sum(clip) for clip in flips} == ({0, 3} if flip == "clip" else {0, 1, 2, 3})


@pytest.mark.parametrize("preset", preset_names())
def test_every_preset_has_training_settings_that_fit_its_network(preset):
    config = load_training_config(preset)
    assert config.steps > config.warmup_steps
    assert load_preset(preset).model.num_classes == len(load_label_set(load_preset(preset).model.label_set).categories)


def test_official_presets_train_as_the_official_code():
    assert load_training_config("ytvis2019-r50") == load_training_config("ytvis2021-r50") == TrainingConfig()
    sides = (480, 512, 544, 576, 608, 640, 672)
    stills = replace(TrainingConfig(), steps=450_000, milestones=(300_000,), shorter_sides=sides, flip="frame")
    assert load_training_config("coco-r50") == stills


def test_unknown_settings_name_the_nearest_known_one():
    with pytest.raises(ConfigError, match="did you mean 'batch_size'"):
        training_config_from_table({"batchsize": 3}, "here")
    with pytest.raises(ConfigError, match="no preset is called"):
        load_training_config("nothing")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"steps": 0}, "steps must be greater than 0"),
        ({"batch_size": 3, "accumulate": 4}, "must not be more than batch_size"),
        ({"schedule": "never"}, "choose one of multistep, cosine"),
    ],
)
def test_impossible_settings_are_refused(setting, message):
    with pytest.raises(ConfigError, match=message):
        replace(TrainingConfig(), **setting)


def test_coco_files_are_taken_as_they_are_for_cocos_own_classes(tmp_path):
    data = read_training_data(write_stills(tmp_path, category_id=62), load_label_set("coco"))
    assert [load_label_set("coco").categories[k].name for k in data.videos[0].classes] == ["chair"]
    assert not data.unknown


def test_the_coco_names_are_those_of_the_file(shared):
    table = json.loads((shared / "data" / "coco328" / "instances.json").read_text())
    labels = load_label_set("ytvis2021")
    classes, _ = match_categories([Category(c["id"], c["name"]) for c in table["categories"]], labels, shared)
    published = json.loads((shared / "ytvis_eval" / "coco_to_ytvis.json").read_text())["maps"]["ytvis_2021"]["rows"]
    assert {k: labels.categories[v].category_id for k, v in classes.items()} == {
        row["coco_id"]: row["target_id"] for row in published
    }
    assert COCO_CATEGORIES[0] in [{"id": c["id"], "name": c["name"]} for c in table["categories"]]
