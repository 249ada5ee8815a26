"""`train`: fine-tune or train a network on annotated videos and images."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visolo.commands.console import progress, say
from visolo.config import preset_names
from visolo.errors import ConfigError

if TYPE_CHECKING:
    from visolo.training.config import TrainingConfig
    from visolo.training.loop import StepMetrics

_EXAMPLES = """examples:
  python -m visolo train --data corrected.json --out runs/a --init resources/models/visolo-lite.safetensors
  python -m visolo train --data a.json --data b.json --share 3 1 --out runs/b --preset ytvis2019-r50 --device cuda
  python -m visolo train --data corrected.json --out runs/a --resume
"""


def add_parser(commands: Any, shared: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's type is private
    """Add the command and its options."""
    parser = commands.add_parser(
        "train",
        parents=[shared],
        help="train or fine-tune a network",
        description="Write weights.safetensors, checkpoint.pt and log.csv into a folder. Ctrl-C saves and stops.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, action="append", required=True, metavar="DATASET.json")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the run")
    parser.add_argument("--preset", default="lite", metavar="NAME", help=", ".join(preset_names()) + " (default: lite)")
    parser.add_argument("--init", type=Path, metavar="W", help="start from these weights (.safetensors, .pth, .onnx)")
    parser.add_argument("--resume", action="store_true", help="continue the run in DIR")
    parser.add_argument("--device", default="auto", metavar="D", help="cpu, cuda or auto (default)")
    parser.add_argument("--share", type=float, nargs="+", metavar="X", help="share of the clips from each --data")
    parser.add_argument(
        "--hold-out", type=int, default=0, metavar="N", help="leave out videos and images whose id is divisible by N"
    )
    settings = parser.add_argument_group("settings, instead of the preset's")
    settings.add_argument("--steps", type=int, metavar="N")
    settings.add_argument("--batch-size", type=int, metavar="N", help="clips of one step")
    settings.add_argument("--accumulate", type=int, metavar="N", help="parts a step is split into, to save memory")
    settings.add_argument("--learning-rate", type=float, metavar="R")
    settings.add_argument("--seed", type=int, metavar="N")
    settings.add_argument("--workers", type=int, metavar="N", help="processes that prepare data")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train; 130 when a Ctrl-C ended it early, with everything saved."""
    from visolo.device import device_errors, resolve_device
    from visolo.training.run import WEIGHTS_NAME, run_training

    config = _config(args)
    steps = run_training(
        args.data,
        args.out,
        preset=args.preset,
        init=args.init,
        resume=args.resume,
        config=config,
        data_weights=args.share,
        hold_out=args.hold_out,
        device=str(resolve_device(args.device)),
    )
    last: StepMetrics | None = None
    with device_errors(), progress(config.steps, "step", quiet=args.quiet) as bar:
        for metrics in steps:
            bar.n = metrics.step
            bar.set_postfix_str(_losses(metrics), refresh=False)
            bar.refresh()
            last = metrics
    if last is None:
        say(f"{args.out}: the run was complete already")
        return 0
    say(f"{args.out / WEIGHTS_NAME}: step {last.step} of {last.steps}, {_losses(last)}")
    if last.step < last.steps:
        say("stopped early; continue with --resume")
        return 130
    return 0


def _config(args: argparse.Namespace) -> "TrainingConfig":
    from visolo.training.config import load_training_config
    from visolo.training.run import shortened

    config = load_training_config(args.preset)
    if args.steps is not None and args.steps < 1:
        raise ConfigError(f"--steps is {args.steps}; it must be 1 or more")
    if args.hold_out < 0:
        raise ConfigError(f"--hold-out is {args.hold_out}; it must be 0 (train on all) or more")
    config = config if args.steps is None else shortened(config, args.steps)
    names = ("batch_size", "accumulate", "learning_rate", "seed", "workers")
    return replace(config, **{name: getattr(args, name) for name in names if getattr(args, name) is not None})


def _losses(metrics: "StepMetrics") -> str:
    return f"category {metrics.category:.3f}, mask {metrics.mask:.3f}, similarity {metrics.similarity:.3f}"
