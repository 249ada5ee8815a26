"""The validations of one run: when one is due, and what it leaves in the run's folder."""

from collections.abc import Callable, Iterator

from visolo.categories import load_label_set
from visolo.config import load_preset
from visolo.distributed import any_process, rank
from visolo.errors import ConfigError, WeightsError
from visolo.model.weights_file import read_header
from visolo.training.checkpoints import export_weights
from visolo.training.log import RunLogs
from visolo.training.loop import Trainer
from visolo.training.preview import write_preview
from visolo.training.run_folder import RunFolder
from visolo.training.settings import RunSettings
from visolo.training.validation import ValidationProgress, ValidationScores, Validator
from visolo.training.validation_data import ValidationData, read_validation_data

_DEFAULT_COUNT = 10  # validations of a run that says nothing about it


class RunValidation:
    """Validates a run's weights, logs the scores, draws the preview and keeps the best weights.

    Args:
        settings: of the run.
        folder: of the run.
        data: what to validate on.
        device: where.
    """

    def __init__(self, settings: RunSettings, folder: RunFolder, data: ValidationData, device: str) -> None:
        preset = load_preset(settings.preset)
        steps = settings.training.steps
        self.text = data.text
        self._settings, self._folder = settings, folder
        self._steps = steps
        self._every = settings.supervision.validate_every or max(1, steps // _DEFAULT_COUNT)
        self._validator = Validator(data, preset.model, preset.inference, device)
        self._seconds = 0.0

    def is_due(self, step: int) -> bool:
        """Whether the weights of this step are validated; those of the last step always are."""
        return step % self._every == 0 or step == self._steps

    def is_missing(self, step: int, logs: RunLogs) -> bool:
        """Whether this step's validation is due and was not finished; all processes get the same answer."""
        return step > 0 and self.is_due(step) and any_process(not rank() and step not in logs.validated_steps)

    def seconds_left(self, step: int) -> float:
        """Of the validations after this step, as far as one was timed already."""
        due = self._steps // self._every + bool(self._steps % self._every)
        return self._seconds * (due - step // self._every)

    def run(
        self, trainer: Trainer, logs: RunLogs, is_canceled: Callable[[], bool]
    ) -> Iterator[ValidationProgress | ValidationScores]:
        """Validate; ends with the scores, or without them when it was canceled.

        Raises:
            VisoloError: a frame cannot be read, or a file cannot be written.
        """
        yield from self._validator.run(trainer.step, trainer.exported_state(), is_canceled)
        scores = self._validator.scores
        if scores is None:
            return
        self._seconds = scores.seconds
        if not rank():
            self._keep(trainer, logs, scores)
        yield scores

    def _keep(self, trainer: Trainer, logs: RunLogs, scores: ValidationScores) -> None:
        if self._is_best(scores.AP):
            facts = {"AP": scores.AP, "validated_on": self.text}
            export_weights(trainer, self._folder.best, self._settings.preset, facts)
        picture = self._folder.numbered(self._folder.previews, scores.step, ".jpg")
        write_preview(picture, self._validator.samples, f"step {scores.step}, AP {scores.AP:.3f}")
        logs.write_validation(scores)  # last: a row says that everything of its validation is there

    def _is_best(self, score: float) -> bool:
        """Whether no better weights are kept; those validated on other data are no rivals."""
        try:
            facts = read_header(self._folder.best).metadata
        except WeightsError:
            return True
        return facts.get("validated_on") != self.text or score > float(facts.get("AP", -1))


def plan_validation(settings: RunSettings, folder: RunFolder, device: str) -> RunValidation | None:
    """The validations of a run; None where there is nothing to validate on.

    Raises:
        VisoloError: the data cannot be read.
    """
    supervision = settings.supervision
    if not supervision.validate and not settings.hold_out:
        return None
    label_set = load_label_set(load_preset(settings.preset).model.label_set)
    paths, held_out = (supervision.validate, 0) if supervision.validate else (settings.data, settings.hold_out)
    data = read_validation_data(paths, label_set, supervision.validate_limit, held_out, settings.category_map)
    if data is None and supervision.validate:
        raise ConfigError(f"{', '.join(map(str, paths))}: lists no videos or images to validate on")
    return None if data is None else RunValidation(settings, folder, data, device)
