"""The whole online engine around a small real network: results at once, any video, resumable, bounded."""

import gc
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

from small_network import SMALL, small_network, video

from visolo import rle
from visolo.config import InferenceConfig
from visolo.inference.linking import LinkConstraints, LinkState, Sighting, TrackLinker, link_state
from visolo.inference.maps import MapPredictor
from visolo.inference.memory import memory_frames
from visolo.inference.segmenter import OnlineSegmenter, model_similarity
from visolo.inference.tracker import InstanceTracker
from visolo.model.visolo import build_model
from visolo.results import FrameResult

CONFIG = InferenceConfig()

# pycocotools 2.0.11 under numpy 2 says so whenever it decodes.


@pytest.fixture(scope="module")
def model():
    return small_network()


def comparable(result: FrameResult):
    """A result as plain values, evidence to the bit."""
    return result.frame_index, [
        (i.track_id, i.category_index, i.score, i.rle, i.cell_index, i.class_scores.tobytes(), i.query.tobytes())
        for i in result.instances
    ]


def segment(model, frames, config=CONFIG, **more):
    segmenter = OnlineSegmenter(model, config, **more)
    return [segmenter.step(frame) for frame in frames], segmenter


def test_every_frame_is_answered_at_once_with_what_a_result_promises(model):
    results, segmenter = segment(model, video(14))
    assert [r.frame_index for r in results] == list(range(14))
    assert segmenter.frame_index == 14
    assert sum(len(r.instances) for r in results) > 20
    seen = [i.track_id for r in results for i in r.instances]
    assert list(dict.fromkeys(seen)) == list(range(len(set(seen))))
    assert len(set(seen)) > 2
    for result in results:
        scores = [i.score for i in result.instances]
        assert scores == sorted(scores, reverse=True)
        for instance in result.instances:
            assert 0 < instance.score <= 1
            assert instance.rle.size == (72, 108)
            assert rle.decode(instance.rle).any()
            assert 0 <= instance.cell_index < 12
            assert instance.class_scores.shape == (5,)
            assert instance.class_scores.dtype == np.float32
            assert instance.category_index == instance.class_scores.argmax()
            assert instance.query.shape == instance.reference.shape == (8,)
            assert instance.query.dtype == instance.reference.dtype == np.float16


def test_the_result_of_a_frame_does_not_depend_on_later_frames(model):
    frames = video(9)
    whole, _ = segment(model, frames)
    for length in (1, 2, 3, 8):
        part, segmenter = segment(model, frames[:length])
        assert [comparable(r) for r in part] == [comparable(r) for r in whole[:length]]
        assert {t for track in segmenter.tracks() for t in track.rles} <= set(range(length))


def test_reset_forgets_everything(model):
    frames = video(8)
    first, segmenter = segment(model, frames)
    segmenter.pin_memory(6)
    segmenter.reset()
    assert segmenter.frame_index == 0
    assert segmenter.memory_frames == ()
    assert segmenter.tracks() == []
    assert [comparable(segmenter.step(f)) for f in frames] == [comparable(r) for r in first]


def test_tracks_have_the_mean_class_scores_and_the_masks_of_their_frames(model):
    results, segmenter = segment(model, video(14))
    tracks = segmenter.tracks()
    assert [t.track_id for t in tracks] == sorted({i.track_id for r in results for i in r.instances})
    for track in tracks:
        own = [(r.frame_index, i) for r in results for i in r.instances if i.track_id == track.track_id]
        mean = np.mean([i.class_scores for _, i in own], axis=0)
        assert track.category_index == mean.argmax()
        assert track.score == pytest.approx(mean.max(), abs=1e-6)
        assert track.rles == {t: i.rle for t, i in own}


@pytest.mark.parametrize("size", [(72, 108), (108, 72), (31, 47), (48, 64), (1, 1), (200, 33)])
def test_frames_of_any_size_give_masks_of_that_size(model, size):
    results, segmenter = segment(model, video(3, size))
    instances = [i for r in results for i in r.instances]
    assert instances or size == (1, 1)
    assert all(i.rle.size == size for i in instances)
    assert all(mask.size == size for track in segmenter.tracks() for mask in track.rles.values())


def test_masks_can_have_another_size_than_the_frames(model):
    frames = video(6)
    small, _ = segment(model, frames)
    large, _ = segment(model, frames, output_size=(144, 216))
    for a, b in zip(small, large, strict=True):
        assert [i.track_id for i in a.instances] == [i.track_id for i in b.instances]
        for first, second in zip(a.instances, b.instances, strict=True):
            assert second.rle.size == (144, 216)
            assert rle.area(second.rle) == pytest.approx(4 * rle.area(first.rle), rel=0.1)


def test_grey_frames_are_frames_of_three_equal_channels(model):
    grey = [f[:, :, 1] for f in video(4)]
    colour = [np.stack([f] * 3, 2) for f in grey]
    made, expected = segment(model, grey)[0], segment(model, colour)[0]
    assert [comparable(r) for r in made] == [comparable(r) for r in expected]


def test_a_video_without_detections_has_no_tracks(model):
    results, segmenter = segment(model, video(4), replace(CONFIG, score_threshold=1.0))
    assert [r.instances for r in results] == [()] * 4
    assert segmenter.tracks() == []


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros(4, np.uint8),
    ],
)
def test_arrays_that_are_no_frames_are_refused(model, frame):
    segmenter = OnlineSegmenter(model, CONFIG)
    with pytest.raises(ValueError, match="a frame is"):
        segmenter.step(frame)
    assert segmenter.frame_index == 0


def faint(model, masks):
    """Maps of frames whose only instance has these masks (12 x 16), cell 3, class 1 of 5."""
    return [
        maps_of(torch.from_numpy(mask).float() * 20 - 10, class_score)
        for mask, class_score in zip(masks, (0.9, 0.5, 0.7), strict=False)
    ]


def maps_of(mask_logits, class_score):
    from visolo.inference.maps import FrameMaps

    scores = torch.zeros(5, 12)
    scores[1, 3] = class_score
    query = torch.full((12, 8), 1.0)
    return FrameMaps(scores, torch.ones(1, 12), mask_logits[None], query, query, None)


def masks_of_one_object():
    """Large, one pixel, large."""
    large = np.zeros((12, 16), bool)
    large[2:9, 3:12] = True
    small = np.zeros((12, 16), bool)
    small[5, 5] = True
    return large, small, large


def test_an_instance_that_vanishes_at_the_output_size_is_absent_but_counts_for_its_class(model):
    tracker = InstanceTracker(CONFIG, model_similarity(model))
    results = [tracker.step(t, maps, (6, 8)) for t, maps in enumerate(faint(model, masks_of_one_object()))]
    assert [len(r.instances) for r in results] == [1, 0, 1]
    (track,) = tracker.tracks()
    assert sorted(track.rles) == [0, 2]
    assert track.score == pytest.approx((0.9 + 0.5 + 0.7) / 3)


def test_linking_by_evidence_takes_no_notice_of_what_vanished(model):
    tracker = InstanceTracker(CONFIG, model_similarity(model), links_by_evidence=True)
    for t, maps in enumerate(faint(model, masks_of_one_object())):
        tracker.step(t, maps, (6, 8))
    (track,) = tracker.tracks()
    assert track.score == pytest.approx((0.9 + 0.7) / 2)


def test_a_track_that_is_never_visible_is_written_with_official_quirks_only(model):
    _, small, _ = masks_of_one_object()
    for quirks, count in ((False, 0), (True, 1)):
        tracker = InstanceTracker(replace(CONFIG, official_quirks=quirks), model_similarity(model))
        tracker.step(0, faint(model, [small])[0], (6, 8))
        assert [t.rles for t in tracker.tracks()] == [{}] * count


@pytest.mark.parametrize("rules", [{}, {"memory_limit": 4}, {"memory": "last-10"}, {"reweight_references": "last-2"}])
@pytest.mark.parametrize("cut", [1, 2, 7, 12])
def test_going_on_in_the_middle_equals_an_uninterrupted_run(model, rules, cut):
    frames, config = video(16), replace(CONFIG, **rules)
    whole, _ = segment(model, frames, config)
    segmenter = segment(model, frames[:cut], config)[1]
    state = segmenter.state
    fresh = OnlineSegmenter(model, config)
    fresh.prime(cut, [(t, frames[t]) for t in memory_frames(cut, config)], state)
    assert fresh.memory_frames == segmenter.memory_frames
    assert [comparable(fresh.step(f)) for f in frames[cut:]] == [comparable(r) for r in whole[cut:]]


def test_going_on_from_results_alone_equals_an_uninterrupted_run(model):
    """What a project keeps, q of every instance, is enough to go on with the same identities."""
    frames, cut = video(16), 9
    whole, _ = segment(model, frames, links_by_evidence=True)
    last_seen = {i.track_id: Sighting(r.frame_index, i.track_id, i.query) for r in whole[:cut] for i in r.instances}
    order = [i.track_id for r in whole[:cut] for i in r.instances if last_seen[i.track_id].frame_index == r.frame_index]
    segmenter = OnlineSegmenter(model, CONFIG, links_by_evidence=True)
    remembered = [(t, frames[t]) for t in memory_frames(cut, CONFIG)]
    segmenter.prime(cut, remembered, link_state(cut, [last_seen[track_id] for track_id in order]))
    assert [comparable(segmenter.step(f)) for f in frames[cut:]] == [comparable(r) for r in whole[cut:]]


def test_association_run_again_from_kept_evidence_equals_the_run(model):
    results, _ = segment(model, video(20), links_by_evidence=True)
    linker = TrackLinker(CONFIG, model_similarity(model))
    for result in results:
        queries = np.array([i.query for i in result.instances]).reshape(-1, 8)
        references = np.array([i.reference for i in result.instances]).reshape(-1, 8)
        assert linker.link(result.frame_index, queries, references).tolist() == [i.track_id for i in result.instances]


def test_constraints_are_obeyed_and_equal_association_run_again(model):
    frames = video(14)
    before, _ = segment(model, frames, links_by_evidence=True)
    two = next(r for r in before if len(r.instances) > 1)
    first, second = (i.track_id for i in two.instances[:2])
    swapped = LinkConstraints({(two.frame_index, 0): second, (two.frame_index, 1): first})
    segmenter = OnlineSegmenter(model, CONFIG, links_by_evidence=True)
    segmenter.prime(0, [], LinkState(), swapped)
    after = [segmenter.step(f) for f in frames]
    assert [i.track_id for i in after[two.frame_index].instances[:2]] == [second, first]
    linker = TrackLinker(CONFIG, model_similarity(model), swapped)
    for old, new in zip(before, after, strict=True):
        queries = np.array([i.query for i in old.instances]).reshape(-1, 8)
        references = np.array([i.reference for i in old.instances]).reshape(-1, 8)
        assert linker.link(old.frame_index, queries, references).tolist() == [i.track_id for i in new.instances]


def test_priming_keeps_pins_and_new_ids_stay_clear_of_known_ones(model):
    frames = video(16)
    segmenter = OnlineSegmenter(model, CONFIG)
    segmenter.pin_memory(7)
    segmenter.drop_memory(5)
    segmenter.prime(
        9, [(t, frames[t]) for t in memory_frames(9, CONFIG, pinned=[7], dropped=[5])], LinkState(None, (), 50)
    )
    assert segmenter.memory_frames == (0, 7, 8)
    ids = {i.track_id for f in frames[9:] for i in segmenter.step(f).instances}
    assert min(ids) == 50
    assert {0, 7, 10, 14, 15} == set(segmenter.memory_frames)


def test_a_frame_to_remember_comes_before_the_next_one(model):
    segmenter = OnlineSegmenter(model, CONFIG)
    with pytest.raises(ValueError, match="frame 3 cannot be remembered before frame 3"):
        segmenter.prime(3, [(3, video(1)[0])], LinkState())


def test_dropped_frames_are_not_read(model):
    frames = video(6)
    segmenter = OnlineSegmenter(model, CONFIG)
    for frame in frames[:3]:
        segmenter.step(frame)
    for dropped in (0, 2, 1):
        segmenter.drop_memory(dropped)
    assert segmenter.memory_frames == ()
    alone = MapPredictor(model, CONFIG).predict(0, frames[3])
    maps = segmenter._predictor.predict(3, frames[3])
    assert torch.equal(maps.category_scores, alone.category_scores)
    assert maps.weights is None


def predicted(model, config, frames):
    predictor = MapPredictor(model, config)
    return [predictor.predict(t, f) for t, f in enumerate(frames)]


def test_each_ablation_turns_off_its_part_and_nothing_else(model):
    frames = video(5)
    full = predicted(model, CONFIG, frames)[-1]
    no_category = predicted(model, replace(CONFIG, temporal_category=False), frames)[-1]
    no_mask = predicted(model, replace(CONFIG, temporal_mask=False), frames)[-1]
    neither = predicted(model, replace(CONFIG, temporal_category=False, temporal_mask=False), frames)[-1]
    no_weights = predicted(model, replace(CONFIG, score_reweighting=False), frames)[-1]
    with torch.inference_mode():
        image = MapPredictor(model, CONFIG)._encode(frames[-1])
        unread = model.predict(image.category, image.kernel)
    unread_scores = unread.category_logits[0].flatten(1).sigmoid()
    assert torch.allclose(no_category.category_scores, unread_scores, atol=1e-6)
    assert torch.allclose(no_category.kernels, full.kernels, atol=1e-5)
    assert torch.allclose(no_mask.kernels, unread.kernels[0].flatten(1), atol=1e-6)
    assert torch.allclose(no_mask.category_scores, full.category_scores, atol=1e-5)
    assert torch.allclose(neither.category_scores, unread_scores, atol=1e-6)
    assert torch.allclose(neither.kernels, unread.kernels[0].flatten(1), atol=1e-6)
    assert not torch.allclose(full.category_scores, unread_scores, atol=1e-3)
    assert not torch.allclose(full.kernels, unread.kernels[0].flatten(1), atol=1e-3)
    for maps in (no_category, no_mask, neither):
        assert torch.allclose(maps.weights, full.weights, atol=1e-6)
    assert no_weights.weights is None
    assert torch.equal(no_weights.category_scores, full.category_scores)


def test_reading_equals_the_plain_formula(model):
    """Every fifth frame and the last two, their cells joined, one softmax over all."""
    frames = video(9)
    made = predicted(model, CONFIG, frames)[-1]
    with torch.inference_mode():
        encoded = [MapPredictor(model, CONFIG)._encode(f) for f in frames]
        now, memory = encoded[8], [encoded[t] for t in (0, 5, 6, 7)]
        affinity = model.similarity_logits(now.query, torch.cat([m.reference for m in memory], 1))
        category = model.read(now.category, affinity, torch.cat([m.category_value for m in memory], 2))
        kernel = model.read(now.kernel, affinity, torch.cat([m.kernel_value for m in memory], 2))
        expected = model.predict(category, kernel)
        fifth, newest = (model.similarity_logits(now.query, encoded[t].reference)[0].sigmoid() for t in (5, 7))
    assert torch.allclose(made.category_scores, expected.category_logits[0].flatten(1).sigmoid(), atol=1e-5)
    assert torch.allclose(made.kernels, expected.kernels[0].flatten(1), atol=1e-4)
    assert torch.allclose(made.weights, (fifth.amax(1) + newest.amax(1)) / 2, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_runs(model, dtype):
    half = build_model(SMALL).eval()
    half.load_state_dict(model.state_dict())
    results, _ = segment(half.to(dtype), video(4))
    assert any(r.instances for r in results)


def test_a_learnt_similarity_is_linked_with():
    learnt = build_model(replace(SMALL, learnt_similarity=True)).eval()
    query, reference = torch.randn(2, 1, 4, 8)
    expected = learnt.similarity_logits(query, reference)[0].sigmoid()
    made = model_similarity(learnt).scores(query[0].numpy(), reference[0].numpy())
    assert made.tolist() == pytest.approx(expected.detach().numpy(), abs=1e-6)
    assert model_similarity(learnt).bias == -3.0


def test_no_tensor_is_kept_for_a_longer_video(model):
    def tensor_bytes(length):
        segmenter = segment(model, video(length), replace(CONFIG, memory_limit=4))[1]
        gc.collect()
        held = [o for o in gc.get_objects() if issubclass(type(o), torch.Tensor)]
        assert segmenter.frame_index == length
        return sum(t.numel() * t.element_size() for t in held)

    assert tensor_bytes(40) == tensor_bytes(20)
