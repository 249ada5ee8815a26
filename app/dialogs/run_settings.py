"""Which network runs, where, and by which rules."""

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QWidget,
)

from app.dialogs.form_parts import (
    DecimalBox,
    NumberBox,
    PathLine,
    Sentence,
    choice_box,
    dialog_column,
    form_layout,
    heading,
)
from app.run_choice import RunChoice, read_choice, standard_rules, write_choice
from app.settings import Settings
from visolo.config import InferenceConfig, preset_names
from visolo.errors import VisoloError

DEVICES = {"auto": "Best available", "cpu": "CPU", "cuda": "NVIDIA GPU (CUDA)", "mps": "Apple GPU (MPS)"}
_PRECISIONS = {"fp32": "32-bit float", "bf16": "bfloat16", "fp16": "16-bit float"}
_MEMORY = {
    "every-5": "Every fifth frame and the last two",
    "last-2": "The last two frames",
    "last-10": "The last ten frames",
    "last-20": "The last twenty frames",
}
BUNDLED = "bundled model (visolo-lite)"


class RunSettingsDialog(QDialog):
    """Edits the `RunChoice` of the settings; OK stores it."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Run settings")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._settings = settings
        choice = read_choice(settings)
        self._weights = PathLine("runWeights", "Weights file", str(choice.weights or ""), BUNDLED)
        self._weights.offer(settings.recent_weights())
        self._weights.browse_wanted.connect(self._browse)
        self._preset = choice_box(
            "runPreset", "Network", {"": "As the file says", **{name: name for name in preset_names()}}, choice.preset
        )
        self._preset.setToolTip("Official .pth files do not say which network they are; our own files do")
        self._device = choice_box("runDevice", "Device", DEVICES, choice.device)
        self._precision = choice_box("runPrecision", "Precision", _PRECISIONS, choice.precision)
        self._memory = choice_box("runMemory", "Frames in memory", _MEMORY, choice.inference.memory)
        self._limit = NumberBox(minimum=0, maximum=4096, value=choice.inference.memory_limit)
        self._limit.setSpecialValueText("no limit")
        self._score = _threshold(choice.inference.score_threshold)
        self._update = _threshold(choice.inference.update_threshold)
        self._link = _threshold(choice.inference.link_threshold)
        self._rules = choice.inference
        self._standard = standard_rules(choice.weights, choice.preset)
        self._weights.line.textChanged.connect(self._follow_model)
        self._preset.currentIndexChanged.connect(self._follow_model)
        self._problem = Sentence("runProblem")
        self._problem.hide()
        layout = dialog_column(self, 14)
        layout.addLayout(self._form())
        layout.addWidget(self._problem)
        layout.addWidget(self._buttons())

    def accept(self) -> None:
        """Store the choice, unless the weights file is not there."""
        text = self._weights.text()
        if text and not Path(text).expanduser().is_file():
            self._complain(f"{text}: there is no such file; choose another or leave the line empty")
            return
        try:
            write_choice(self._settings, self._choice(Path(text).expanduser() if text else None))
        except VisoloError as error:
            self._complain(str(error))
            return
        super().accept()

    def _choice(self, weights: Path | None) -> RunChoice:
        inference = replace(
            self._rules,
            score_threshold=self._score.value(),
            update_threshold=self._update.value(),
            link_threshold=self._link.value(),
            memory=self._memory.currentData(),
            memory_limit=self._limit.value(),
        )
        return RunChoice(
            weights, self._preset.currentData(), self._device.currentData(), self._precision.currentData(), inference
        )

    def _form(self) -> QFormLayout:
        form = form_layout(spacing=9)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignRight)
        form.addRow("Weights", self._weights)
        form.addRow("Network", self._preset)
        form.addRow("Device", self._device)
        form.addRow("Precision", self._precision)
        form.addRow(heading("WHAT COUNTS AS AN OBJECT"))
        form.addRow("Lowest class score", self._score)
        form.addRow("Lowest score after suppression", self._update)
        form.addRow("Lowest similarity to a known track", self._link)
        form.addRow(heading("WHAT THE NETWORK REMEMBERS"))
        form.addRow("Frames in memory", self._memory)
        form.addRow("At most", self._limit)
        return form

    def _buttons(self) -> QDialogButtonBox:
        kinds = QDialogButtonBox.StandardButton
        box = QDialogButtonBox(kinds.Ok | kinds.Cancel | kinds.RestoreDefaults)
        box.accepted.connect(self.accept)
        box.rejected.connect(self.reject)
        box.button(kinds.RestoreDefaults).clicked.connect(self._restore)
        return box

    def _restore(self) -> None:
        self._weights.line.clear()
        for combo, value in ((self._preset, ""), (self._device, "auto"), (self._precision, "fp32")):
            combo.setCurrentIndex(combo.findData(value))
        self._standard = standard_rules(None, "")
        self._show_rules(self._standard)

    def _follow_model(self) -> None:
        """Another model brings its own rules; with the same one what was chosen here stays."""
        text = self._weights.text()
        standard = standard_rules(Path(text).expanduser() if text else None, self._preset.currentData())
        if standard != self._standard:
            self._standard = standard
            self._show_rules(standard)

    def _show_rules(self, rules: InferenceConfig) -> None:
        self._rules = rules
        self._memory.setCurrentIndex(self._memory.findData(rules.memory))
        self._limit.setValue(rules.memory_limit)
        self._score.setValue(rules.score_threshold)
        self._update.setValue(rules.update_threshold)
        self._link.setValue(rules.link_threshold)

    def _browse(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Weights", self._weights.text(), "Weights (*.safetensors *.pth *.pt *.pkl);;All files (*)"
        )
        if path:
            self._weights.line.setText(path)

    def _complain(self, sentence: str) -> None:
        self._problem.say(sentence, is_problem=True)
        self._problem.show()


def _threshold(value: float) -> QDoubleSpinBox:
    return DecimalBox(minimum=0.0, maximum=1.0, singleStep=0.05, decimals=2, value=value)
