"""A whole training run: data and start values in, and out comes a folder that says what happened and can be resumed."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from visolo.categories import load_label_set
from visolo.config import load_preset
from visolo.device import resolve_device
from visolo.distributed import agreed, any_process, local_device, process_group, rank
from visolo.errors import ConfigError, DivergedError, MediaError, OutputError, PeerFailed, VisoloError
from visolo.model.checkpoint import load_partial
from visolo.model.visolo import Visolo, build_model
from visolo.training.category_map import check_category_map
from visolo.training.checkpoints import checkpoint_to_resume, export_weights, save_checkpoint
from visolo.training.clips import ClipMaker
from visolo.training.datasets import TrainingData, left_out, read_training_data
from visolo.training.failures import failures_in_words
from visolo.training.interruption import interruptible
from visolo.training.log import RunLogs, RunStep
from visolo.training.loop import StepMetrics, Trainer
from visolo.training.run_folder import RunFolder, RunRecord, RunState, start_record
from visolo.training.run_validation import RunValidation, plan_validation
from visolo.training.settings import RunSettings, check_resumable
from visolo.training.validation import ValidationProgress, ValidationScores

_NAMED_PARTS = 3
_ETA_STEPS = 50  # latest steps whose mean duration stands for the rest


@dataclass(frozen=True)
class DataNote:
    """A sentence about the data that a person should know."""

    text: str


RunEvent = RunStep | ValidationProgress | ValidationScores | DataNote


def run_training(
    settings: RunSettings, out_dir: Path, *, resume: bool = False, checkpoint: Path | None = None
) -> Iterator[RunEvent]:
    """Train a network and keep its run in a folder; see `docs/TRAINING.md` for the files.

    They are renewed at least every `checkpoint_seconds` and at the end. An interrupt (Ctrl-C, SIGTERM) finishes the
    step, writes them and ends the iteration; a second one stops at once. Nothing happens until the first `next`.

    Args:
        settings: what to do.
        out_dir: made if missing; must hold no checkpoint unless resuming.
        resume: continue the run in `out_dir` with the identical next step; from the start where it ended before its
            first checkpoint.
        checkpoint: continue from this earlier one instead; later ones in the folder are removed.

    Yields:
        A `DataNote` for what is left out of the data and of the start values; one `RunStep` per optimiser step; while a
        validation goes on its progress, and then its scores.

    Raises:
        VisoloError: bad input, a folder that cannot be written, or any of `visolo.training.failures`.
    """
    device = str(resolve_device(settings.device))
    folder = RunFolder(out_dir)
    with process_group(device), ExitStack() as stack:
        device = local_device(device)
        with agreed():
            if not rank():
                stack.enter_context(folder.locked())
            start = _find_start(folder, settings, resume or checkpoint is not None, checkpoint)
            step = folder.read().step if start is not None and folder.record.is_file() else 0
        run = _Run(folder, start_record(settings, step))
        with run.recorded():
            with agreed():
                data = _read_data(settings)
            yield from (DataNote(text) for source in data if (text := left_out(source)) and not rank())
            model, anew = _start_model(settings, is_resumed=start is not None)
            trainer = _build_trainer(model.to(device), settings, data)
            if start is not None:
                trainer.load(start)
            elif anew and not rank():
                yield DataNote(_started_anew(settings, anew))
            run.begin(trainer, plan_validation(settings, folder, device))
            yield from run.events()


class _Run:
    """One run while it goes on; only the process of rank 0 writes."""

    def __init__(self, folder: RunFolder, record: RunRecord) -> None:
        self._folder, self._record = folder, record
        self._settings = record.settings
        self._trainer: Trainer | None = None
        self._validation: RunValidation | None = None
        self._saved_step: int | None = None
        self._saved_at = time.monotonic()
        self._is_stopped = False

    def begin(self, trainer: Trainer, validation: RunValidation | None) -> None:
        """Go on with this trainer, whose state is that of the latest checkpoint."""
        self._trainer, self._validation = trainer, validation
        self._record = replace(self._record, validated_on=validation.text if validation else "")
        self._keep("running", step=trainer.step)

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Keep `run.json` up to date, whatever happens in the block."""
        self._keep("running")
        try:
            with failures_in_words(self._how_to_go_on):
                yield
        except VisoloError as error:
            self._end("failed", str(error))
            raise
        except Exception as error:
            self._end("failed", f"internal error ({type(error).__name__}: {error})")
            raise
        except BaseException:
            self._end("stopped", f"stopped at once; {self._how_to_go_on()}")
            raise
        if self._is_stopped:
            self._end("stopped", f"stopped after step {self._record.step}; continue with --resume")
        else:
            self._end("finished", "")

    def events(self) -> Iterator[RunEvent]:
        """Train to the end or until asked to stop, validate where it is due, and save."""
        assert self._trainer is not None
        trainer = self._trainer
        with interruptible() as interrupted, RunLogs(self._folder, trainer.step) as logs:
            yield from self._validated(trainer, logs, interrupted.is_set)
            for step in self._timed(self._trained(trainer)):
                logs.write_step(step)
                if self._is_save_due(trainer.step):
                    self._save(trainer)
                yield step
                yield from self._validated(trainer, logs, interrupted.is_set)
                if any_process(interrupted.is_set()):
                    break
            self._save(trainer)
            is_unvalidated = self._validation is not None and self._validation.is_missing(trainer.step, logs)
            self._is_stopped = trainer.step < trainer.config.steps or is_unvalidated

    def _validated(
        self, trainer: Trainer, logs: RunLogs, is_canceled: Callable[[], bool]
    ) -> Iterator[ValidationProgress | ValidationScores]:
        if self._validation is not None and self._validation.is_missing(trainer.step, logs):
            yield from self._validation.run(trainer, logs, is_canceled)

    def _is_save_due(self, step: int) -> bool:
        if self._validation is not None and self._validation.is_due(step):
            return True
        return time.monotonic() - self._saved_at >= self._settings.supervision.checkpoint_seconds

    def _timed(self, steps: Iterator[StepMetrics]) -> Iterator[RunStep]:
        durations: deque[float] = deque(maxlen=_ETA_STEPS)
        for metrics in steps:
            durations.append(metrics.seconds)
            eta = (metrics.steps - metrics.step) * sum(durations) / len(durations)
            if self._validation is not None:
                eta += self._validation.seconds_left(metrics.step)
            yield RunStep(**asdict(metrics), eta_seconds=eta)

    def _trained(self, trainer: Trainer) -> Iterator[StepMetrics]:
        try:
            yield from trainer.run()
        except (MediaError, PeerFailed):
            self._save(trainer)  # the network is sound: only its next data are missing
            raise

    def _save(self, trainer: Trainer) -> None:
        if rank() or self._saved_step == trainer.step:
            return
        save_checkpoint(trainer, self._folder, self._settings.supervision.keep_last)
        self._keep("running", step=trainer.step)
        export_weights(trainer, self._folder.weights, self._settings.preset)
        self._saved_step, self._saved_at = trainer.step, time.monotonic()

    def _keep(self, state: RunState, sentence: str = "", step: int | None = None) -> None:
        step = self._record.step if step is None else step
        self._record = replace(self._record, state=state, sentence=sentence, step=step)
        if not rank():
            self._folder.write(self._record)

    def _end(self, state: RunState, sentence: str) -> None:
        with suppress(OutputError):  # on a full disk the run counts as killed, which comes to the same
            self._keep(state, sentence)

    def _how_to_go_on(self, error: VisoloError | None = None) -> str:
        if self._trainer is None:
            return ""  # nothing began yet
        if isinstance(error, DivergedError):
            return self._how_to_calm_down()
        if not self._record.step:
            return "no checkpoint was written yet, --resume starts at step 1"
        return f"the checkpoint of step {self._record.step} is whole, continue from it with --resume"

    def _how_to_calm_down(self) -> str:
        slower = f"--learning-rate {self._settings.training.learning_rate / 2:g}"
        earlier = self._folder.kept_checkpoints()[:-1]
        text = f"continue with --resume {slower}"
        return text + (f", or from before it went wrong with --resume {earlier[0]} {slower}" if earlier else "")


def _find_start(folder: RunFolder, settings: RunSettings, resume: bool, chosen: Path | None) -> Path | None:
    """The checkpoint to start from, if any, after checking that the folder is free for this run."""
    if not resume:
        if folder.checkpoint.exists():
            raise OutputError(f"{folder.path}: already holds a run; continue it with --resume or choose another folder")
        return None
    if folder.record.is_file():
        check_resumable(folder.read().settings, settings, folder.path)
    elif not folder.checkpoint.is_file():
        raise ConfigError(f"{folder.path}: has no run to resume; leave out --resume")
    return checkpoint_to_resume(folder, chosen)


def _read_data(settings: RunSettings) -> list[TrainingData]:
    label_set = load_label_set(load_preset(settings.preset).model.label_set)
    data = [read_training_data(path, label_set, settings.hold_out, settings.category_map) for path in settings.data]
    check_category_map(settings.category_map, label_set, (name for source in data for name in source.categories))
    for source in data:
        if not source.videos:
            raise ConfigError(f"{source.path}: no object of the preset's classes in it; annotate some or leave it out")
    return data


def _build_trainer(model: Visolo, settings: RunSettings, data: Sequence[TrainingData]) -> Trainer:
    config = settings.training
    # Convolutions are a third faster on the CPU with channels last.
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Trainer(model, config, ClipMaker(data, settings.data_weights, model.config.input_size, config))


def _start_model(settings: RunSettings, is_resumed: bool) -> tuple[Visolo, list[str]]:
    """The network, and which of its tensors the given start values say nothing about.

    Args:
        settings: of the run.
        is_resumed: everything is in the checkpoint; the file of the start values need not be there any more.
    """
    torch.manual_seed(settings.training.seed)
    model = build_model(load_preset(settings.preset).model)
    if is_resumed:
        return model, []
    anew = [] if settings.init is None else _fill(model, settings.init)
    if settings.training.blend < 1 and (anew or settings.init is None):
        raise ConfigError(
            "--blend needs start values for the whole network: leave it out, or "
            + ("give some with --init" if settings.init is None else f"choose others ({_started_anew(settings, anew)})")
        )
    return model, anew


def _fill(model: Visolo, init: Path) -> list[str]:
    if init.suffix == ".onnx":
        from visolo.training.backbone_onnx import load_onnx_backbone

        load_onnx_backbone(model, init)
        return [key for key in model.state_dict() if not key.startswith("backbone.")]
    return load_partial(model, init)


def _started_anew(settings: RunSettings, tensors: Sequence[str]) -> str:
    parts = dict.fromkeys(name.rpartition(".")[0] for name in tensors)
    if len(parts) > _NAMED_PARTS:
        parts = dict.fromkeys(name.partition(".")[0] for name in tensors)
    return f"{settings.init}: gives no start values for {', '.join(parts)}, so they start at random"
