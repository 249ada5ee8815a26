"""`train`: fine-tune or train a network on annotated videos and images."""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from visolo.commands.console import progress, say, warn
from visolo.commands.project import PROJECT_SUFFIX, training_data_of
from visolo.config import preset_names
from visolo.errors import ConfigError, OutputError

if TYPE_CHECKING:
    from visolo.training.config import TrainingConfig
    from visolo.training.log import RunStep
    from visolo.training.run import RunEvent
    from visolo.training.settings import RunSettings

_EXAMPLES = """examples:
  python -m visolo train --data corrected.json --out runs/a --init resources/models/visolo-lite.safetensors
  python -m visolo train --data a.json --data b.json --weight 0.75 0.25 --out runs/b --preset ytvis2019-r50
  python -m visolo train --out runs/a --resume

The run's folder and everything else about training: docs/TRAINING.md
"""
_TRAINING = (
    "batch_size", "accumulate", "learning_rate", "precision", "ema_decay", "blend", "batch_source", "target_extent",
    "seed", "workers",
)  # fmt: skip
_SUPERVISION = ("validate", "validate_every", "validate_limit", "keep_last", "checkpoint_seconds")


def add_parser(commands: Any, shared: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's type is private
    """Add the command and its options."""
    parser = commands.add_parser(
        "train",
        parents=[shared],
        help="train or fine-tune a network",
        description="Train into a folder: weights, checkpoints, log. Ctrl-C saves and stops, --resume continues.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data", type=Path, action="append", metavar="FILE",
        help="YouTube-VIS or COCO instances JSON, an export of the app, or a project (NAME.visolo); may be repeated",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the run")
    parser.add_argument("--preset", metavar="NAME", help=", ".join(preset_names()) + " (default: lite)")
    parser.add_argument(
        "--init",
        type=Path,
        metavar="W",
        help="start from these weights, or this ResNet for the backbone (.safetensors, .pth, .onnx)",
    )
    parser.add_argument(
        "--resume", type=Path, nargs="?", const=True, metavar="CHECKPOINT",
        help="continue the run in DIR, with its settings where none are given; from its latest checkpoint or this one",
    )  # fmt: skip
    parser.add_argument("--device", metavar="D", help="cpu, cuda or auto (default)")
    parser.add_argument("--weight", type=float, nargs="+", metavar="X", help="share of the clips from each --data")
    parser.add_argument(
        "--map", action="append", metavar="OLD=NEW",
        help="take a file's category OLD for the class NEW, or a JSON file of such pairs; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--hold-out", type=int, metavar="N", help="leave out videos and images whose id is divisible by N"
    )
    settings = parser.add_argument_group("settings, instead of the preset's")
    settings.add_argument("--steps", type=int, metavar="N")
    settings.add_argument("--batch-size", type=int, metavar="N", help="clips of one step")
    settings.add_argument("--accumulate", type=int, metavar="N", help="parts a step is split into, to save memory")
    settings.add_argument("--learning-rate", type=float, metavar="R")
    settings.add_argument("--precision", choices=("fp32", "bf16", "fp16"))
    settings.add_argument(
        "--ema-decay", type=float, metavar="D", help="export a moving average of the weights, as of 0.998; 0: none"
    )
    settings.add_argument(
        "--blend", type=float, metavar="A",
        help="export A parts of what is trained and 1 - A of the start values, to keep what they knew; 1: none of them",
    )  # fmt: skip
    settings.add_argument(
        "--batch-source", choices=("official", "mixed"), help="all clips of a step from one --data, or each from any"
    )
    settings.add_argument(
        "--target-extent",
        choices=("official", "true"),
        help="height and width of an object, from the corner or its own",
    )
    settings.add_argument("--seed", type=int, metavar="N")
    settings.add_argument("--workers", type=int, metavar="N", help="processes that prepare data")
    watching = parser.add_argument_group("validation")
    watching.add_argument(
        "--validate", type=Path, action="append", metavar="GT.json",
        help="annotated videos or images to validate on (default: what --hold-out leaves out)",
    )  # fmt: skip
    watching.add_argument("--validate-every", type=int, metavar="N", help="in steps (default: a tenth of the run)")
    watching.add_argument(
        "--validate-limit", type=int, metavar="F", help="most frames of one validation; 0: all (default: 200)"
    )
    keeping = parser.add_argument_group("keeping the run")
    keeping.add_argument("--keep-last", type=int, metavar="K", help="checkpoints to keep (default: 2)")
    keeping.add_argument(
        "--checkpoint-seconds", type=float, metavar="S", help="least time between two checkpoints (default: 300)"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train; 130 when a Ctrl-C ended it early, with everything saved."""
    from visolo.device import resolve_device
    from visolo.distributed import agreed, process_group, rank
    from visolo.training.run import run_training
    from visolo.training.run_folder import RunFolder

    settings = _settings(args)
    checkpoint = args.resume if isinstance(args.resume, Path) else None
    with process_group(str(resolve_device(settings.device))):
        is_first = not rank()
        with agreed():
            if is_first:
                _copy_projects(args)
        events = run_training(settings, args.out, resume=args.resume is not None, checkpoint=checkpoint)
        with progress(settings.training.steps, "step", quiet=args.quiet or not is_first) as bar:
            last = _follow(events, bar)
    if not is_first:  # it is said once
        return 0
    if last is not None:
        say(f"{args.out / 'weights.safetensors'}: step {last.step} of {last.steps}, {_losses(last)}")
    record = RunFolder(args.out).read()
    if record.state == "stopped":
        say(f"stopped early; continue with: python -m visolo train --out {args.out} --resume")
        return 130
    if last is None:
        say(f"{args.out}: the run was complete already")
    return 0


def _follow(events: "Iterator[RunEvent]", bar: "tqdm[Any]") -> "RunStep | None":
    """Show a run as it goes on; its last step, None when it took none."""
    from visolo.training.log import RunStep
    from visolo.training.run import DataNote
    from visolo.training.validation import ValidationScores

    last: RunStep | None = None
    status, score = "", ""
    bar.bar_format = "{percentage:3.0f}%|{bar}| {n}/{total} {postfix}"
    for event in events:
        if isinstance(event, RunStep):
            bar.n, last = event.step, event
            status = _status(event)
        elif isinstance(event, ValidationScores):
            score = f", AP {event.AP:.3f}"
        elif isinstance(event, DataNote):
            warn(event.text)
        else:
            status = f"validating {event.frame}/{event.frames}"
        bar.set_postfix_str(status + score, refresh=False)
        bar.refresh()
    return last


def _settings(args: argparse.Namespace) -> "RunSettings":
    """What the options say, on top of what a run to be resumed was started with."""
    from visolo.training.category_map import read_category_map
    from visolo.training.config import load_training_config
    from visolo.training.run_folder import RunFolder
    from visolo.training.settings import RunSettings

    folder = RunFolder(args.out)
    data = tuple(_data_files(args))
    if args.resume is not None and folder.record.is_file():
        settings = folder.read().settings
    elif not data:
        raise ConfigError("--data is missing; give at least one JSON file, or --resume with the folder of a run")
    else:
        settings = RunSettings(data, load_training_config(args.preset or "lite"))
    return replace(
        settings,
        data=data or settings.data,
        data_weights=tuple(args.weight) if args.weight else settings.data_weights,
        category_map=read_category_map(args.map) if args.map else settings.category_map,
        **_given(args, ("preset", "init", "hold_out", "device")),
        training=_training(settings.training, args),
        supervision=replace(settings.supervision, **_given(args, _SUPERVISION)),
    )


def _data_files(args: argparse.Namespace) -> list[Path]:
    """The annotation files; of a project the copy of what is to be learnt, so that a resumed run sees the same."""
    files: list[Path] = []
    for path in args.data or ():
        target = args.out / "data" / f"{path.stem}.json"
        number = 1
        while target in files:  # projects of the same name
            number += 1
            target = target.with_name(f"{path.stem}_{number}.json")
        files.append(target if path.suffix == PROJECT_SUFFIX else path)
    return files


def _copy_projects(args: argparse.Namespace) -> None:
    """Write what is to be learnt of projects into the folder of the run, unless a run there keeps its own."""
    from visolo.training.run_folder import RunFolder

    for path, target in zip(args.data or (), _data_files(args), strict=True):
        if path == target:
            continue
        try:
            if args.resume is None and RunFolder(args.out).record.is_file():
                return
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{args.out}: cannot be written to ({error.strerror}); choose another folder") from error
        say(training_data_of(path, target))


def _training(config: "TrainingConfig", args: argparse.Namespace) -> "TrainingConfig":
    from visolo.training.settings import shortened

    if args.steps is not None and args.steps < 1:
        raise ConfigError(f"--steps is {args.steps}; it must be 1 or more")
    config = config if args.steps is None else shortened(config, args.steps)
    return replace(config, **_given(args, _TRAINING))


def _given(args: argparse.Namespace, names: tuple[str, ...]) -> dict[str, Any]:
    given = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}


def _status(metrics: "RunStep") -> str:
    return f"{_losses(metrics)}, {metrics.images_per_second:.1f} images/s, {_duration(metrics.eta_seconds)} left"


def _losses(metrics: "RunStep") -> str:
    return f"category {metrics.category:.3f}, mask {metrics.mask:.3f}, similarity {metrics.similarity:.3f}"


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"
