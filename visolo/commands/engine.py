"""The network as commands use it: which weights, device and precision, and the rules around it."""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visolo.categories import LabelSet, load_label_set
from visolo.config import InferenceConfig, load_preset, preset_names
from visolo.errors import ConfigError
from visolo.resources import resource_path

if TYPE_CHECKING:
    from visolo.model.visolo import Visolo

BUNDLED_WEIGHTS = ("models", "visolo-lite.safetensors")
_SWITCHES = {
    "score-reweighting": "weigh scores by similarity to earlier frames (paper 4.3); the preset decides",
    "temporal-category": "read memory for classes; the preset decides",
    "temporal-mask": "read memory for masks; the preset decides",
}


@dataclass(frozen=True)
class Engine:
    """A loaded network on its device.

    Attributes:
        model: ready for inference.
        label_set: its classes, in order.
        inference: rules of the preset; options of the command line come on top.
        weights: the file it was loaded from.
    """

    model: "Visolo"
    label_set: LabelSet
    inference: InferenceConfig
    weights: Path


def add_engine_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that `load_engine` reads."""
    group = parser.add_argument_group("network")
    group.add_argument(
        "--weights", type=Path, metavar="W", help=".safetensors of ours or official .pth (default: the bundled model)"
    )
    group.add_argument("--preset", metavar="NAME", help=f"what a .pth file is: {', '.join(preset_names())}")
    add_compute_arguments(group)


def add_compute_arguments(group: Any) -> None:  # noqa: ANN401 - argparse's type is private
    """Add --device and --precision."""
    group.add_argument("--device", default="auto", metavar="D", help="cpu, cuda, mps or auto (default)")
    group.add_argument("--precision", default="fp32", metavar="P", help="fp32 (default), bf16 or fp16")


def load_engine(args: argparse.Namespace) -> Engine:
    """Load the network that the options name.

    Raises:
        VisoloError: a name is unknown, the device is not there, or the weights do not fit.
    """
    from visolo.device import device_errors, select_compute
    from visolo.model.checkpoint import load_weights

    weights = args.weights or resource_path(*BUNDLED_WEIGHTS)
    if args.preset is not None:
        load_preset(args.preset)  # an unknown name is said before anything slow begins
    compute = select_compute(args.device, args.precision)
    model = load_weights(weights, args.preset).optimize_for_inference()
    with device_errors():
        model = model.to(compute.device, compute.dtype)
    labels, preset = _labels_and_preset(weights, model, args.preset)
    return Engine(model, labels, load_preset(preset).inference if preset else InferenceConfig(), weights)


def _labels_and_preset(weights: Path, model: "Visolo", preset: str | None) -> tuple[LabelSet, str | None]:
    from visolo.model.checkpoint import DEFAULT_PRESET
    from visolo.model.weights_file import is_own, read_header

    if not is_own(weights):
        return load_label_set(model.config.label_set), preset or DEFAULT_PRESET
    header = read_header(weights)
    trained_with = header.metadata.get("preset")
    return header.labels, preset or (trained_with if trained_with in preset_names() else None)


def add_rule_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that `with_rules` reads: rules of tracking and what to leave out of the network."""
    group = parser.add_argument_group("rules")
    group.add_argument(
        "--memory", choices=("every-5", "last-2", "last-10", "last-20"), help="which earlier frames are read"
    )
    group.add_argument("--memory-limit", type=int, metavar="N", help="most frames read, evenly thinned; 0: no limit")
    group.add_argument("--score-threshold", type=float, metavar="S", help="least score of a detection, 0 to 1")
    for name, meaning in _SWITCHES.items():
        group.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, help=meaning)
    group.add_argument(
        "--reweight-refs", choices=("official", "last-2"), help="frames for 4.3: as the official code or the paper"
    )
    group.add_argument("--official-quirks", action="store_true", help="reproduce the official code's defects")


def with_rules(inference: InferenceConfig, args: argparse.Namespace) -> InferenceConfig:
    """The rules with the options of the command line on top.

    Raises:
        ConfigError: a value is impossible.
    """
    if args.score_threshold is not None and not 0 <= args.score_threshold <= 1:
        raise ConfigError(f"--score-threshold is {args.score_threshold}; it must be from 0 to 1")
    if args.memory_limit is not None and args.memory_limit < 0:
        raise ConfigError(f"--memory-limit is {args.memory_limit}; it must be 0 or more frames")
    given = {
        "memory": args.memory,
        "memory_limit": args.memory_limit,
        "score_threshold": args.score_threshold,
        "reweight_references": args.reweight_refs,
        "score_reweighting": args.score_reweighting,
        "temporal_category": args.temporal_category,
        "temporal_mask": args.temporal_mask,
        "official_quirks": True if args.official_quirks else None,
    }
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return replace(inference, **changes)
