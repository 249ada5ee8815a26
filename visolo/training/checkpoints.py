"""Which checkpoints of a run are kept, and the weights beside them. Every file is whole at any time."""

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from visolo.errors import ConfigError, OutputError
from visolo.io.atomic import atomic_path
from visolo.model.checkpoint import save_weights
from visolo.model.visolo import empty_model
from visolo.training.loop import Trainer
from visolo.training.run_folder import RunFolder


def save_checkpoint(trainer: Trainer, folder: RunFolder, keep_last: int) -> None:
    """Write the numbered checkpoint, make it the latest, and let go of old ones.

    The latest is a hard link of the numbered one where the file system has such links, else a copy.

    Args:
        trainer: of the run.
        folder: of the run.
        keep_last: numbered checkpoints to keep, at least 1.

    Raises:
        OutputError: it cannot be written; the latest one before is still whole.
    """
    numbered = folder.numbered(folder.checkpoints, trainer.step, ".pt")
    trainer.save(numbered)
    with atomic_path(folder.checkpoint) as temporary:
        _link(numbered, temporary)
    for path in folder.kept_checkpoints()[:-keep_last]:
        with suppress(OSError):  # one too many does no harm
            path.unlink()


def export_weights(trainer: Trainer, path: Path, preset: str, facts: dict[str, Any] | None = None) -> None:
    """Write the weights for use, at half precision, whole or not at all.

    Args:
        trainer: whose exported weights are written.
        path: ends in `.safetensors`.
        preset: what the weights were trained with, for the file's header.
        facts: more for the header.

    Raises:
        OutputError: it cannot be written.
    """
    model = empty_model(trainer.model.config)
    model.load_state_dict(trainer.exported_state())
    save_weights(model, path, {"preset": preset, "steps": trainer.step, **(facts or {})}, half=True)


def checkpoint_to_resume(folder: RunFolder, chosen: Path | None) -> Path | None:
    """The checkpoint that a run continues from; None when none was written before it ended.

    Args:
        folder: of the run.
        chosen: an earlier one to go back to; later ones in the folder are removed.

    Raises:
        ConfigError: the chosen one is not there.
        OutputError: a later one cannot be removed.
    """
    if chosen is None:
        return folder.checkpoint if folder.checkpoint.is_file() else None
    if not chosen.is_file():
        kept = ", ".join(path.name for path in folder.kept_checkpoints()) or "none"
        raise ConfigError(f"{chosen}: there is no such checkpoint; {folder.checkpoints} has {kept}")
    for path in folder.kept_checkpoints():
        if path.name > chosen.name and path.parent.samefile(chosen.parent):
            try:
                path.unlink(missing_ok=True)  # another process of the run may have done it
            except OSError as error:
                raise OutputError(f"{path}: cannot be removed ({error.strerror}); remove it yourself") from error
    return chosen


def _link(source: Path, target: Path) -> None:
    target.unlink()
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
