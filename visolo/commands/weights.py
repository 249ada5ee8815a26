"""`weights`: look into a checkpoint, or rewrite it as one of ours."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from visolo.commands.console import say, say_json
from visolo.commands.outputs import check_output
from visolo.config import preset_names

_KINDS = {"visolo": "VISOLO Review", "official": "official VISOLO checkpoint", "torchvision": "torchvision ResNet"}


def add_parser(commands: Any, shared: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's type is private
    """Add the command and its options."""
    parser = commands.add_parser("weights", help="look into a checkpoint or convert it")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    convert = actions.add_parser(
        "convert",
        parents=[shared],
        help="rewrite as .safetensors",
        description="Rewrite any readable network as a .safetensors file that says itself what it is.",
    )
    convert.add_argument("source", metavar="IN", type=Path)
    convert.add_argument("target", metavar="OUT", type=Path, help="must end in .safetensors")
    convert.add_argument("--preset", metavar="NAME", help=f"what a .pth file is: {', '.join(preset_names())}")
    convert.add_argument("--half", action="store_true", help="store half precision: half the size")
    convert.set_defaults(run=run_convert)
    info = actions.add_parser("info", parents=[shared], help="say what a file holds")
    info.add_argument("source", metavar="IN", type=Path)
    info.add_argument("--json", action="store_true", help="print one JSON object")
    info.set_defaults(run=run_info)


def run_convert(args: argparse.Namespace) -> None:
    """Rewrite a checkpoint."""
    from visolo.model.checkpoint import convert

    check_output(args.target)
    convert(args.source, args.target, args.preset, args.half)
    say(f"{args.target}: {args.target.stat().st_size / 1e6:.1f} MB")


def run_info(args: argparse.Namespace) -> None:
    """Print what a weights file says about itself."""
    from visolo.model.checkpoint import weights_info

    info = weights_info(args.source)
    if args.json:
        say_json(asdict(info))
        return
    say(f"{args.source}: {_KINDS[info.kind]}, {info.parameters:,} numbers ({', '.join(info.dtypes)})")
    if info.header is None:
        return
    config = info.header.config
    say(f"  network  {config.backbone}, width {config.width}, grid {config.grid[0]} x {config.grid[1]}")
    say(f"  input    {config.input_size[0]} x {config.input_size[1]} (height x width)")
    say(f"  classes  {config.num_classes} ({info.header.labels.name})")
    for key, value in info.header.metadata.items():
        say(f"  {key}: {value}")
