"""Speed of training: images per second, and what a step spends its time on, without and with data processes.

    python tests/bench/training.py DATA.json [DATA.json ...] [--preset lite] [--device cpu] [--batch-size 6]
        [--precision bf16] [--steps 10] [--workers 0 2]

"data" is waiting for clips (with workers 0: making them), "forward" the network and the losses, "backward" the
gradients, "rest" targets, clipping, optimiser and average. The first two steps of a round are not counted. Frames that
were read once are kept, so for short runs the first round pays for reading: rounds go on from where the last one ended,
and the first is repeated at the end.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

import torch

sys.path.insert(0, str(Path(__file__).parents[2]))

from visolo.categories import load_label_set
from visolo.commands.console import table
from visolo.config import load_preset
from visolo.device import resolve_device
from visolo.model.visolo import build_model
from visolo.training.clips import ClipMaker
from visolo.training.config import load_training_config
from visolo.training.datasets import read_training_data
from visolo.training.loop import StepMetrics, Trainer
from visolo.training.losses import ClipLosses, LossCounts
from visolo.training.targets import ClipBatch, ClipTargets, LabelledBatch

WARM_UP = 2


class TimedTrainer(Trainer):
    """A trainer that says how long its parts took."""

    def start(self) -> None:
        """Forget what was measured."""
        self.seconds: Counter[str] = Counter()

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        self._wait()
        started = time.perf_counter()
        yield
        self._wait()
        self.seconds[name] += time.perf_counter() - started

    def _wait(self) -> None:
        if self.model.device.type == "cuda":
            torch.cuda.synchronize()

    def _train_step(self, batch: LabelledBatch) -> tuple[float, ...]:
        with self._timed("step"):
            return super()._train_step(batch)

    def _accumulate(self, batch: LabelledBatch) -> torch.Tensor:
        with self._timed("gradients"):
            return super()._accumulate(batch)

    def _targets(self, batch: ClipBatch) -> ClipTargets:
        with self._timed("targets"):
            return super()._targets(batch)

    def _losses(self, batch: ClipBatch, targets: ClipTargets, counts: LossCounts) -> ClipLosses:
        with self._timed("forward"):
            return super()._losses(batch, targets, counts)


def main() -> None:
    """Print a row per round."""
    options = _options()
    torch.manual_seed(0)
    model_config = load_preset(options.preset).model
    config = replace(load_training_config(options.preset), self_read_share=0.0)
    config = replace(
        config,
        batch_size=options.batch_size or config.batch_size,
        precision=options.precision or config.precision,
    )
    label_set = load_label_set(model_config.label_set)
    data = [read_training_data(path, label_set) for path in options.data]
    maker = ClipMaker(data, None, model_config.input_size, config)
    model = build_model(model_config).to(resolve_device(options.device))
    model = model.to(memory_format=torch.channels_last)
    rounds, first = [*options.workers, options.workers[0]], 0
    rows, rates = [], []
    for workers in rounds:
        steps = range(first, first + WARM_UP + options.steps)
        trainer = TimedTrainer(model, replace(config, workers=workers, steps=steps.stop), maker)
        trainer.step, first = steps.start, steps.stop
        row, rate = measure(trainer)
        rows.append((str(workers), *row))
        rates.append(rate)
    print(f"{options.preset}, {model.device}, {config.precision}, {config.batch_size} clips of {config.clip_length}")
    print(table(("workers", "images/s", "step (median)", "data", "forward", "backward", "rest"), tuple(rows)))
    for workers, rate in list(zip(rounds, rates, strict=True))[1:-1]:
        print(f"{workers} workers against {rounds[0]}: {rate / rates[-1]:.2f} times the images/s")


def measure(trainer: TimedTrainer) -> tuple[tuple[str, ...], float]:
    """Images/s, the median step and the shares of a round; and the images/s as a number."""
    trainer.start()
    steps: list[StepMetrics] = []
    for metrics in trainer.run():
        steps.append(metrics)
        if len(steps) == WARM_UP:
            trainer.start()
    counted = steps[WARM_UP:]
    total = sum(step.seconds for step in counted)
    seconds = trainer.seconds
    backward = seconds["gradients"] - seconds["forward"] - seconds["targets"]
    parts = (total - seconds["step"], seconds["forward"], backward)
    shares = [*parts, total - sum(parts)]
    rate = trainer.config.batch_size * trainer.config.clip_length * len(counted) / total
    step = median(step.seconds for step in counted)
    return (f"{rate:.1f}", f"{step * 1000:.0f} ms", *(f"{share / total:.0%}" for share in shares)), rate


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--preset", default="lite")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch-size", type=int, help="default: the preset's")
    parser.add_argument("--precision", choices=("fp32", "bf16", "fp16"), help="default: the preset's")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 2])
    return parser.parse_args()


if __name__ == "__main__":
    main()
