"""The `train` command in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60
# Quick, and a checkpoint after every step.
OPTIONS = ("--batch-size", "1", "--checkpoint-seconds", "0", "--device", "cpu", "--quiet")


def start(*arguments, program=("-m", "visolo"), **options):
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *program, "train", *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True, **options)


def finish(*arguments, **options):
    """Exit code and what was said on stderr."""
    with start(*arguments, **options) as process:
        _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, errors


def finish_script(script, *arguments):
    """The same for a Python program that runs the command line in other circumstances."""
    return finish(*arguments, program=("-c", script))
