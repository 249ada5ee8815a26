"""`python -m visolo`: the commands, and how every failure becomes one line and an exit code.

0 done, 2 wrong input or wrong options, 1 a defect of ours, 130 interrupted; 3 where `project merge` left conflicts.
"""

import argparse
import logging
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from visolo import __version__
from visolo.commands import bench, dataset, evaluate, project_exports, track, train, weights
from visolo.commands.console import one_line
from visolo.errors import PeerFailed, VisoloError

_EXAMPLES = """examples:
  python -m visolo track clip.mp4 --out results.json --overlay masks.mp4
  python -m visolo track dataset.json --weights visolo_r50.pth --preset ytvis2019-r50 --device cuda --out results.json
  python -m visolo evaluate dataset.json results.json
  python -m visolo train --data corrected.json --out runs/a --init old.safetensors
  python -m visolo dataset validate corrected.json
  python -m visolo project export review.visolo corrected.json --policy confirmed-ranges

`python -m visolo COMMAND --help` explains a command. The app is opened with `python main.py`.
"""
_COMMANDS = (track, evaluate, train, dataset, project_exports, weights, bench)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the options in one line, like every other error."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"visolo: error: {one_line(message)}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: arguments after the program's name; None takes the process's own.

    Returns:
        The exit code.
    """
    args = build_parser().parse_args(argv)
    logging.basicConfig(
        level=logging.DEBUG if args.debug else logging.WARNING, format="visolo: %(levelname)s: %(message)s"
    )
    _stop_cleanly_when_terminated()
    if not args.debug and not sys.warnoptions:
        warnings.simplefilter("ignore")  # libraries' warnings are for developers
    # Torch's threads that spin while they wait for each other come to a standstill on a busy computer: 14 times slower,
    # measured with ten busy programs on two cores. To be said before torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        code = int(args.run(args) or 0)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does; keep the interpreter from complaining about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        return _failed("interrupted; no unfinished file was left behind", 130)
    except Exception as error:  # noqa: BLE001 - here every error ends, as one line for people
        if args.debug:
            traceback.print_exc()
        return _report(error)
    return code


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = _Parser(
        prog="python -m visolo",
        description="VISOLO: segment and track every object of a video, evaluate, train, and mind YouTube-VIS files.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"VISOLO Review {__version__}")
    parser.add_argument("--debug", action="store_true", help="show tracebacks and log messages")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)
    for command in _COMMANDS:
        command.add_parser(commands, shared)
    return parser


def _report(error: Exception) -> int:
    if isinstance(error, PeerFailed):
        return 2  # one sentence for all processes is enough
    if isinstance(error, VisoloError):
        return _failed(str(error), 2)
    if isinstance(error, MemoryError):
        return _failed("the computer ran out of memory; close other programs or use smaller input", 2)
    if isinstance(error, OSError) and error.strerror:
        name = f"{error.filename}: " if error.filename else ""
        return _failed(f"{name}{error.strerror.lower()}; check the path, its permissions and the free space", 2)
    return _failed(f"internal error ({type(error).__name__}: {error}); run again with --debug for the details", 1)


def _failed(sentence: str, code: int) -> int:
    print(f"visolo: error: {one_line(sentence)}" if code != 130 else f"visolo: {sentence}", file=sys.stderr)
    return code


def _stop_cleanly_when_terminated() -> None:
    """Let SIGTERM unwind like Ctrl-C, so that temporary files go; only the main thread may say so."""

    def stop(number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    try:
        signal.signal(signal.SIGTERM, stop)
    except ValueError:
        return


if __name__ == "__main__":
    raise SystemExit(main())
