"""The choices of a training run: data, starting weights, how long, where; the rarer ones behind "More settings"."""

import time
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QFileDialog, QVBoxLayout, QWidget

from app.dialogs.form_parts import DecimalBox, NumberBox, PathLine, choice_box, form_layout
from app.dialogs.retrain_sources import Sources
from app.dialogs.run_settings import BUNDLED, DEVICES
from app.document.document import Document
from app.projects import project_title
from app.run_choice import RunChoice, preset_of
from app.settings import data_folder
from app.training.choice import FINE_TUNING_BLEND, TrainingChoice, fine_tuning_rate, network_classes
from visolo.config import preset_names

_STEPS = 300
_WEIGHTS_FILTER = "Weights (*.safetensors *.pth *.pt *.pkl);;All files (*)"
_DATA_FILTER = "YouTube-VIS or COCO files (*.json)"
# Rows of the form that only some people need.
_FIRST_RARE_ROW = 5


class RetrainForm(QWidget):
    """What to train on and how.

    Args:
        document: the open project, or None.
        run: the run settings: weights in use, device.

    Attributes:
        sources: what to train on.

    Signals:
        changed: something else is chosen now.
    """

    changed = Signal()

    def __init__(self, document: Document | None, run: RunChoice, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._run = document, run
        preset = preset_of(run)
        self.sources = Sources(document, network_classes(preset))
        self._weights = PathLine("retrainWeights", "Weights to start from", str(run.weights or ""), BUNDLED)
        self._steps = NumberBox(minimum=1, maximum=1_000_000, value=_STEPS, singleStep=50)
        self._steps.setObjectName("retrainSteps")
        self._device = choice_box("retrainDevice", "Device", DEVICES, run.device)
        self._folder = PathLine("retrainFolder", "Folder of the run", str(proposed_folder(document)))
        self._more = QCheckBox("More settings")
        self._more.setObjectName("retrainMore")
        self._validation = PathLine("retrainValidation", "Validation set", hint="none: no AP is measured meanwhile")
        self._preset = choice_box("retrainPreset", "Network", {name: name for name in preset_names()}, preset)
        self._batch = NumberBox(minimum=0, maximum=512)
        self._batch.setSpecialValueText("as the network's preset says")
        self._batch.setObjectName("retrainBatch")
        self._rate = DecimalBox(minimum=0.0, maximum=1.0, decimals=6, singleStep=1e-4)
        self._rate.setObjectName("retrainRate")
        self._rate.setValue(fine_tuning_rate(preset))
        self._blend = NumberBox(minimum=1, maximum=100, value=round(100 * FINE_TUNING_BLEND), suffix=" %")
        self._blend.setObjectName("retrainBlend")
        self._blend.setToolTip("The less, the more is kept of what the starting weights know; 100 % keeps nothing")
        self._lay_out()
        self._connect()

    def offer_weights(self, paths: Sequence[Path]) -> None:
        """Weights that were used lately."""
        self._weights.offer(paths)

    def choice(self) -> TrainingChoice:
        """The choices as a run takes them."""
        folder = _path(self._folder)
        weights = self._weights.text()
        return TrainingChoice(
            folder=folder,
            data=self.sources.data(folder),
            weights=_path(self._weights) if weights else RunChoice().weights_path,
            preset=self._preset.currentData(),
            steps=self._steps.value(),
            device=self._device.currentData(),
            batch_size=self._batch.value(),
            learning_rate=self._rate.value(),
            blend=self._blend.value() / 100 if self._starts_from_whole_network() else 1.0,
            validation=_path(self._validation) if self._validation.text() else None,
            project=self._document.path if self._document is not None else None,
            video_ids=self.sources.video_ids(),
        )

    def problem(self) -> str:
        """Why no run can start with these choices, and what to do; empty when one can."""
        for line in (self._weights, self._validation):
            if line.text() and not _path(line).is_file():
                return f"{line.text()}: there is no such file; choose another or leave the line empty"
        folder = _path(self._folder)
        is_free = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
        if not self._folder.text() or not is_free:
            return "Choose a new or an empty folder for the run"
        return self.sources.problem()

    def propose_folder(self) -> None:
        """A folder for the next run."""
        self._folder.line.setText(str(proposed_folder(self._document)))

    def _lay_out(self) -> None:
        self._form = form_layout()
        self._form.addRow("Start from", self._weights)
        self._form.addRow("Steps", self._steps)
        self._form.addRow("Device", self._device)
        self._form.addRow("Folder", self._folder)
        self._form.addRow("", self._more)
        self._form.addRow("Validate on", self._validation)
        self._form.addRow("Network", self._preset)
        self._form.addRow("Clips in a step", self._batch)
        self._form.addRow("Learning rate", self._rate)
        self._form.addRow("Share of the new", self._blend)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(14)
        layout.addWidget(self.sources, 1)
        layout.addLayout(self._form)
        self._show_more(False)

    def _connect(self) -> None:
        self.sources.changed.connect(self.changed)
        for line in (self._weights, self._folder, self._validation):
            line.line.textChanged.connect(self.changed)
        self._weights.line.textChanged.connect(self._follow_weights)
        self._preset.currentIndexChanged.connect(self._follow_preset)
        self._weights.line.textChanged.connect(self._follow_blend)
        self._more.toggled.connect(self._show_more)
        self._weights.browse_wanted.connect(self._browse_weights)
        self._folder.browse_wanted.connect(self._browse_folder)
        self._validation.browse_wanted.connect(self._browse_validation)

    def _follow_weights(self) -> None:
        """The file may say which network it is."""
        weights = _path(self._weights) if self._weights.text() else None
        if weights is None or weights.is_file():
            self._preset.setCurrentIndex(self._preset.findData(preset_of(RunChoice(weights, self._run.preset))))

    def _follow_preset(self) -> None:
        preset = self._preset.currentData()
        self._rate.setValue(fine_tuning_rate(preset))
        self.sources.use_label_set(network_classes(preset))
        self._follow_blend()

    def _follow_blend(self) -> None:
        self._blend.setEnabled(self._starts_from_whole_network())

    def _starts_from_whole_network(self) -> bool:
        """Whether the starting weights are of the chosen network, so that new and old ones can be blended."""
        weights = _path(self._weights) if self._weights.text() else None
        return bool(self._preset.currentData() == preset_of(RunChoice(weights, self._run.preset)))

    def _show_more(self, shown: bool) -> None:
        for row in range(_FIRST_RARE_ROW, self._form.rowCount()):
            self._form.setRowVisible(row, shown)

    def _browse_weights(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Weights to start from", self._weights.text(), _WEIGHTS_FILTER)
        self._weights.line.setText(path or self._weights.text())

    def _browse_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Folder of the run", str(_path(self._folder).parent))
        self._folder.line.setText(path or self._folder.text())

    def _browse_validation(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Validation set", self._validation.text(), _DATA_FILTER)
        self._validation.line.setText(path or self._validation.text())


def proposed_folder(document: Document | None) -> Path:
    """A folder that is not there yet: beside the project, or in the app's own folder for projects that lie there."""
    own = data_folder()
    stem = Path(project_title(document.path)).stem if document is not None else "run"
    is_apart = document is not None and own not in document.path.parents
    parent = document.path.parent if document is not None and is_apart else own / "training"
    base = parent / f"{stem}-training-{time.strftime('%Y-%m-%d')}"
    folder, number = base, 1
    while folder.exists():
        number += 1
        folder = base.with_name(f"{base.name}-{number}")
    return folder


def _path(line: PathLine) -> Path:
    return Path(line.text()).expanduser().absolute()
