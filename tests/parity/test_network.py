"""The network against numbers recorded from the official code, with the same seeded weights and synthetic clips."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from visolo.model.backbone import BackboneFeatures
from visolo.model.checkpoint import load_weights
from visolo.model.visolo import FrameFeatures, Visolo

HERE = Path(__file__).parent
CELLS = 12 * 21


def _recorded(name: str) -> ModuleType:
    """Import one of the recorded scripts beside this file; they are no package."""
    spec = importlib.util.spec_from_file_location(f"parity_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


clips = _recorded("clips")
weights_recipe = _recorded("weights_recipe")
check_golden = _recorded("check_golden")


@pytest.fixture(scope="module")
def official_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file like the official `.pth`: 357 keys under "model"."""
    keys = json.loads((HERE / "state_dict_keys.json").read_text())["keys"]
    state = weights_recipe.make_state_dict(keys)
    assert weights_recipe.fingerprint(state) == check_golden.WEIGHTS_FINGERPRINT
    path = tmp_path_factory.mktemp("weights") / "official.pth"
    torch.save({"model": {key: torch.from_numpy(value) for key, value in state.items()}, "iteration": 1}, path)
    return path


@pytest.fixture(scope="module")
def model(official_checkpoint: Path) -> Visolo:
    return load_weights(official_checkpoint, "ytvis2019-r50")


@pytest.fixture(scope="module")
def fast_model(official_checkpoint: Path) -> Visolo:
    return load_weights(official_checkpoint, "ytvis2019-r50").optimize_for_inference()


def memory_frames(t: int) -> list[int]:
    """Frames that frame t reads. Source: official.md, section 4."""
    if t <= 2:
        return list(range(t)) or [0]
    return [*range(0, t - 2, 5), t - 2, t - 1]


@torch.inference_mode()
def run_network(model: Visolo, clip: np.ndarray) -> dict[str, np.ndarray]:
    """Every recorded intermediate that the network itself makes."""
    frames: list[FrameFeatures] = []
    stages: dict[str, list[torch.Tensor]] = {"bb_res2": [], "bb_res3": [], "bb_res4": []}

    def keep(_module: object, _inputs: object, output: BackboneFeatures) -> None:
        for name, feature in output._asdict().items():
            stages[f"bb_{name}"].append(feature[0])

    watch = model.backbone.register_forward_hook(keep)
    scores, kernels, similarity, lengths = [], [], [], []
    for t in range(len(clip)):
        now = model.encode(torch.from_numpy(clip[t]).permute(2, 0, 1)[None])
        frames.append(now)
        memory = [frames[s] for s in memory_frames(t)]
        affinity = model.similarity_logits(now.query, torch.cat([m.reference for m in memory], 1))
        category = model.read(now.category, affinity, torch.cat([m.category_value for m in memory], 2))
        kernel = model.read(now.kernel, affinity, torch.cat([m.kernel_value for m in memory], 2))
        prediction = model.predict(category, kernel)
        scores.append(prediction.category_logits[0].sigmoid())
        kernels.append(prediction.kernels[0])
        lengths.append(len(memory) if t else 0)  # recorded as 0: the first frame reads itself, not memory
        if t > 0:
            similarity.append(model.similarity_logits(frames[t - 1].query, now.reference)[0].sigmoid())
    watch.remove()
    made = {
        "cats_full": torch.stack(scores),
        "tracking": torch.stack(similarity),
        "kernel": torch.stack(kernels)[:, ::16],
        "maskf": torch.stack([f.mask[0] for f in frames])[:, ::32, ::8, ::12],
        "frame_f": torch.stack([f.key[0] for f in frames])[:, ::32],
        "cat_f": torch.stack([f.category[0] for f in frames])[:, ::32],
        "kernel_f": torch.stack([f.kernel[0] for f in frames])[:, ::32],
        **{name: torch.stack(maps[:3])[:, ::64, ::8, ::8] for name, maps in stages.items()},
    }
    return {key: value.numpy() for key, value in made.items()} | {"mem_len": np.array(lengths)}


def differences(model: Visolo, name: str) -> list[str]:
    """What lies outside the recorded tolerances, in words."""
    golden = check_golden.load(f"golden_inference_{name}")
    made = run_network(model, clips.make_clip(name))
    made["cats_max"] = made["cats_full"].max(1)
    made["cats_full"] = made["cats_full"][golden["cats_full_idx"]]
    made["tracking"] = made["tracking"][:, golden["tracking_rows"]]
    errors: list[str] = []
    for key in sorted(made):
        check_golden._eq(key, golden[key], made[key], check_golden.TOL[key], errors)
    assert len(made) == 12
    return errors


@pytest.mark.parametrize("name", ["c3", "c8"])
def test_network_equals_official_code(model: Visolo, name: str) -> None:
    assert differences(model, name) == []


def test_network_optimized_for_inference_equals_official_code(fast_model: Visolo) -> None:
    assert differences(fast_model, "c3") == []


def test_recorded_keys_cover_every_tensor(official_checkpoint: Path) -> None:
    loaded = load_weights(official_checkpoint, "ytvis2019-r50")
    assert sum(p.numel() for p in loaded.state_dict().values()) == sum(
        int(np.prod(shape))
        for key, shape in json.loads((HERE / "state_dict_keys.json").read_text())["keys"]
        if not key.startswith("tracking_module.")
    )
