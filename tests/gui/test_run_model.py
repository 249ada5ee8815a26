"""Model runs in the window: masks as the engine alone gives, pause, stop, resume, edits behind the head, failures."""

import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel

from app.dialogs.errors import ErrorDialog
from app.dialogs.run_settings import RunSettingsDialog
from app.document.evidence import run_similarity
from app.run_choice import RunChoice, read_choice, write_choice
from app.settings import DEVICE, WEIGHTS, Settings
from visolo.config import InferenceConfig, load_preset
from visolo.inference.linking import Similarity

_LONG_MS = 120_000


@pytest.fixture
def ready(window, tiny_weights):
    """The window with the clip, set to run the tiny network on the CPU."""
    window.workspace.settings.set(WEIGHTS, str(tiny_weights))
    window.workspace.settings.set(DEVICE, "cpu")
    # Two frames ahead at most, landing at once: the tiny network would else be done before a test has looked.
    window.workspace.inference.most_ahead = 2
    window.workspace.inference._batch.setInterval(5)
    return window


def wait_until_done(qtbot, window) -> None:
    """Until the model is idle again."""
    qtbot.waitUntil(lambda: window.session.run.state == "idle", timeout=_LONG_MS)


def wait_for_head(qtbot, window, frame_index: int) -> None:
    """Until the run has come to a frame."""
    qtbot.waitUntil(lambda: window.session.run.head >= frame_index, timeout=_LONG_MS)


def masks(window) -> dict[tuple[int, int], object]:
    """RLE by frame and track."""
    session = window.session
    frames = range(session.video.frame_count)
    return {(i.frame_index, i.track_id): i.rle for f in frames for i in session.document.instances(1, f)}


def sentence(qtbot, window) -> str:
    """What the error dialog says."""
    qtbot.waitUntil(lambda: bool(window.findChildren(ErrorDialog)), timeout=_LONG_MS)
    return window.findChildren(ErrorDialog)[0].findChild(QLabel, "sentence").text()


@pytest.fixture(scope="module")
def engine_alone(tiny_weights, clip) -> dict[tuple[int, int], object]:
    """RLE by frame and track that the engine gives without the app.

    In a process of its own, as the app's: what other tests did to this one's threads changes the last bit of products.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as other:
        return other.submit(engine_masks, tiny_weights, clip).result()


def engine_masks(tiny_weights, clip) -> dict[tuple[int, int], object]:
    """The same, here."""
    from visolo.inference.segmenter import OnlineSegmenter
    from visolo.io.frames import open_frames
    from visolo.model.checkpoint import load_weights

    found = {}
    with open_frames(clip) as frames:
        segmenter = OnlineSegmenter(load_weights(tiny_weights), InferenceConfig())
        for frame in frames:
            result = segmenter.step(frame)
            found |= {(result.frame_index, i.track_id + 1): i.rle for i in result.instances}
    return found


def test_a_run_gives_what_the_engine_gives_and_is_one_undo_step(ready, qtbot, press, engine_alone, tiny_weights):
    states: list[str] = []
    ready.session.run_changed.connect(lambda status: states.append(status.state))
    button = ready.toolbar.findChild(object, "runButton")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert ready.session.run.state == "loading"
    assert button.text() == "Loading…"
    wait_until_done(qtbot, ready)
    assert states[0] == "loading"
    assert "running" in states
    assert states[-1] == "idle"
    assert engine_alone
    assert masks(ready) == engine_alone
    assert "finished: 40 frames" in ready.status.message()
    assert ready.session.document.runs(1)[0].state == "done"
    assert ready.session.document.runs(1)[0].settings["model"] == tiny_weights.stem
    assert run_similarity(ready.session.document.runs(1)[0]) == Similarity()
    press(ready, "Ctrl+Z")
    assert masks(ready) == {}


def test_pause_holds_and_resume_goes_on_as_if_nothing_was(ready, qtbot, press, engine_alone):
    press(ready, "F5")
    wait_for_head(qtbot, ready, 3)
    press(ready, "F5")
    assert ready.session.run.state == "paused"
    # One frame may have been in work.
    qtbot.wait(400)
    ready.workspace.inference._land()
    held = ready.session.run.head
    qtbot.wait(400)
    ready.workspace.inference._land()
    assert ready.session.run.head == held < 40
    assert ready.toolbar._run.text() == "Resume run"
    press(ready, "F5")
    wait_until_done(qtbot, ready)
    assert masks(ready) == engine_alone


def test_stop_keeps_what_there_is_and_run_goes_on_from_there(ready, qtbot, press):
    press(ready, "F5")
    wait_for_head(qtbot, ready, 5)
    press(ready, "Shift+F5")
    assert ready.session.run.state == "idle"
    (run,) = ready.session.document.runs(1)
    assert run.state == "stopped"
    assert 5 <= run.head < 40
    kept = masks(ready)
    assert {frame for frame, _ in kept} <= set(range(run.head))
    press(ready, "F5")
    wait_until_done(qtbot, ready)
    second = ready.session.document.runs(1)[1]
    assert (second.first_frame, second.head, second.state) == (run.head, 40, "done")
    assert {key: rle for key, rle in masks(ready).items() if key[0] < run.head} == kept


def test_a_run_that_goes_on_knows_the_tracks_before_it(ready, qtbot, press, engine_alone):
    press(ready, "F5")
    wait_for_head(qtbot, ready, 8)
    press(ready, "Shift+F5", "F5")
    wait_until_done(qtbot, ready)
    assert masks(ready) == engine_alone


def test_edits_behind_the_head_end_as_edits_after_the_run(ready, qtbot, press):
    session = ready.session
    press(ready, "F5")
    wait_for_head(qtbot, ready, 6)
    session.show_frame(2)
    first = session.document.instances(1, 2)[0].track_id
    session.select({first})
    press(ready, "Ctrl+0")
    new = next(iter(session.selection))
    assert new != first
    wait_until_done(qtbot, ready)
    session.show_frame(20)
    edited = masks(ready)
    press(ready, "Ctrl+Z")
    unedited = masks(ready)
    assert {f for f, t in edited if t == new} == {f for f, t in unedited if t == first and f >= 2}
    assert {f for f, t in edited if t == first} == {f for f, t in unedited if t == first and f < 2}


def test_the_window_stays_usable_during_a_run(ready, qtbot, press):
    press(ready, "F5")
    wait_for_head(qtbot, ready, 2)
    assert ready.session.run.memory_frames > 0
    assert f"memory {ready.session.run.memory_frames} frames" in ready.status._memory.text()
    press(ready, "Right", "Right")
    qtbot.waitUntil(lambda: ready.workspace.canvas.shown_frame == 2)
    assert ready.session.run.state in {"running", "idle"}
    wait_until_done(qtbot, ready)


def test_closing_during_a_run_saves_what_there_is(ready, qtbot, press, open_window, clip):
    press(ready, "F5")
    wait_for_head(qtbot, ready, 4)
    ready.close()
    window = open_window(clip)
    (run,) = window.session.document.runs(1)
    assert run.state == "stopped"
    assert run.head >= 4
    assert masks(window)


def test_another_project_can_be_opened_during_a_run(ready, qtbot, press, make_clip, tmp_path):
    other = make_clip(tmp_path / "other.mp4", frames=6)
    press(ready, "F5")
    wait_for_head(qtbot, ready, 2)
    ready.open_paths([other])
    qtbot.waitUntil(lambda: ready.session.video.name == "other.mp4", timeout=_LONG_MS)
    assert ready.session.run.state == "idle"
    press(ready, "F5")
    wait_until_done(qtbot, ready)
    assert ready.session.document.runs(1)[0].head == 6


def test_missing_weights_are_said(ready, qtbot, press, tmp_path):
    ready.workspace.settings.set(WEIGHTS, str(tmp_path / "gone.safetensors"))
    press(ready, "F5")
    assert "gone.safetensors: there is no such weights file" in sentence(qtbot, ready)
    assert ready.session.run.state == "idle"


def test_a_file_that_is_no_checkpoint_is_said(ready, qtbot, press, tmp_path):
    wrong = tmp_path / "wrong.safetensors"
    wrong.write_bytes(b"not a checkpoint")
    ready.workspace.settings.set(WEIGHTS, str(wrong))
    press(ready, "F5")
    text = sentence(qtbot, ready)
    assert "wrong.safetensors" in text
    assert "Traceback" not in text
    assert ready.session.document.runs(1) == []


def test_a_device_that_is_not_there_is_said(ready, qtbot, press):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this computer has CUDA")
    ready.workspace.settings.set(DEVICE, "cuda")
    press(ready, "F5")
    assert "no CUDA device was found" in sentence(qtbot, ready)


@pytest.mark.skipif(os.name == "nt", reason="Windows kills differently")
def test_a_killed_model_leaves_the_app_and_what_was_computed(ready, qtbot, press):
    press(ready, "F5")
    wait_for_head(qtbot, ready, 3)
    os.kill(ready.workspace.inference._link._process.pid, signal.SIGKILL)
    assert "out of memory" in sentence(qtbot, ready)
    assert ready.session.run.state == "idle"
    assert ready.session.document.runs(1)[0].state == "failed"
    assert masks(ready)
    QApplication.activeModalWidget().accept()
    press(ready, "F5")
    wait_until_done(qtbot, ready)
    assert ready.session.document.runs(1)[-1].state == "done"


def test_run_settings_are_kept_and_checked(window, qtbot, tmp_path, tiny_weights):
    window.workspace.actions.action("run.settings").trigger()
    dialog = window.findChild(RunSettingsDialog)
    dialog._weights.line.setText(str(tmp_path / "no.pth"))
    dialog.accept()
    assert dialog.isVisible()
    assert "no such file" in dialog._problem.text()
    dialog._weights.line.setText(str(tiny_weights))
    dialog._score.setValue(0.35)
    dialog._memory.setCurrentIndex(dialog._memory.findData("last-10"))
    dialog._device.setCurrentIndex(dialog._device.findData("cpu"))
    dialog.accept()
    choice = read_choice(Settings())
    assert choice.weights == tiny_weights
    assert choice.device == "cpu"
    assert choice.inference.score_threshold == pytest.approx(0.35)
    assert choice.inference.memory == "last-10"
    assert choice.inference.link_threshold == InferenceConfig().link_threshold
    assert window.toolbar._model.text() == "tiny · CPU"


def test_a_model_runs_by_its_own_rules(window, tiny_weights, own_home):
    own = load_preset("lite").inference
    assert own != InferenceConfig()
    assert read_choice(Settings()).inference == own
    window.workspace.actions.action("run.settings").trigger()
    dialog = window.findChildren(RunSettingsDialog)[-1]
    assert dialog._score.value() == pytest.approx(own.score_threshold)
    dialog._link.setValue(0.45)
    dialog.accept()
    assert read_choice(Settings()).inference == replace(own, link_threshold=0.45)
    write_choice(Settings(), RunChoice(tiny_weights, inference=InferenceConfig()))
    assert read_choice(Settings()).inference == InferenceConfig()


def test_rules_shown_follow_the_model(window, tiny_weights):
    window.workspace.actions.action("run.settings").trigger()
    dialog = window.findChildren(RunSettingsDialog)[-1]
    dialog._preset.setCurrentIndex(dialog._preset.findData("ytvis2019-r50"))
    assert dialog._score.value() == pytest.approx(InferenceConfig().score_threshold)
    dialog._restore()
    assert dialog._score.value() == pytest.approx(load_preset("lite").inference.score_threshold)


def test_a_choice_survives_damaged_settings(own_home):
    settings = Settings()
    write_choice(settings, RunChoice(device="cpu", inference=InferenceConfig(score_threshold=0.3)))
    assert read_choice(settings).inference.score_threshold == pytest.approx(0.3)
    settings.set_json(WEIGHTS, "")
    settings._store.setValue("run/inference", '{"no_such_rule": 1}')
    settings._store.setValue("run/device", "abacus")
    assert read_choice(settings) == RunChoice(weights=read_choice(settings).weights)
