"""The Qt style sheet of the app, written once with colour names in angle brackets. No Qt.

Widgets opt in by dynamic properties: a QLabel with "heading" is a small heading of a panel, with "muted" secondary
text, with "warning" a caution; a QPushButton with "primary" is the one blue button of a view. A QFrame named
"segments" is a segmented control and its QToolButtons have "segment".
"""

import re
from collections.abc import Mapping

from visolo.resources import resource_path

_TEMPLATE = """
QWidget { color: <text>; }
QMainWindow, QDialog { background: <window>; }
QMainWindow::separator { background: <border>; width: 1px; height: 1px; }
QMainWindow::separator:hover { background: <accent>; }
QToolTip { background: <raised>; color: <text>; border: 1px solid <border>; padding: 4px 6px; }

QMenuBar { background: <window>; padding: 2px 6px; border: none; }
QMenuBar::item { padding: 5px 9px; border-radius: 4px; background: transparent; }
QMenuBar::item:selected, QMenuBar::item:pressed { background: <raised>; }
QMenu { background: <panel>; border: 1px solid <border>; padding: 5px; }
QMenu::item { padding: 5px 28px 5px 28px; border-radius: 4px; }
QMenu::item:selected { background: <selection>; }
QMenu::item:disabled { color: <faint>; }
QMenu::separator { height: 1px; background: <border>; margin: 5px 8px; }
QMenu::icon { padding-left: 8px; }
QMenu::indicator { width: 13px; height: 13px; margin-left: 8px; }

QToolBar { background: <panel>; border: none; border-top: 1px solid <border>; border-bottom: 1px solid <border>;
    padding: 6px 8px; spacing: 2px; }
QToolBar::separator { background: <border>; width: 1px; margin: 5px 4px; }
QToolButton { background: transparent; border: 1px solid transparent; border-radius: 5px; padding: 5px 8px; }
QToolButton:hover { background: <raised>; }
QToolButton:pressed, QToolButton:checked { background: <raised>; }
QToolButton:focus { border-color: <accent>; }
QToolButton:disabled { color: <faint>; }
QToolButton::menu-indicator { image: none; width: 0; }
QFrame#colorPopup { background: <panel>; border: 1px solid <border>; }
QFrame#previewBar { background: <selection>; border-top: 1px solid <accent>; }
QFrame#thresholdBar { background: <panel>; border-top: 1px solid <border>; }
QFrame#segments { background: <window>; border-radius: 6px; }
QToolButton[segment="true"] { padding: 5px 8px; color: <muted>; }
QToolButton[segment="true"]:hover { color: <text>; background: transparent; }
QToolButton[segment="true"]:checked { background: <raised>; color: <text>; }

QPushButton { background: <raised>; border: 1px solid <border>; border-radius: 5px; padding: 6px 14px; }
QPushButton:hover { border-color: <muted>; }
QPushButton:focus { border-color: <accent>; }
QPushButton:pressed { background: <selection>; }
QPushButton:disabled { color: <faint>; background: <panel>; }
QPushButton:default, QPushButton[primary="true"] { background: <accent>; color: <on_accent>; border-color: <accent>; }
QPushButton:default:hover, QPushButton[primary="true"]:hover { background: <accent_hover>; }
QPushButton[primary="true"]:disabled, QPushButton:default:disabled { background: <raised>; color: <faint>;
    border-color: <border>; }
QPushButton[flat="true"] { background: transparent; border: none; }

QLabel { background: transparent; }
QLabel[heading="true"] { color: <muted>; font-size: 11px; font-weight: 600; }
QLabel[muted="true"] { color: <muted>; }
QLabel[warning="true"] { color: <warning>; }

QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QPlainTextEdit, QTextEdit, QKeySequenceEdit { background: <panel>;
    border: 1px solid <border>; border-radius: 5px; padding: 4px 7px; selection-background-color: <accent>;
    selection-color: <on_accent>; }
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus, QPlainTextEdit:focus { border-color: <accent>; }
QLineEdit:disabled, QSpinBox:disabled, QComboBox:disabled { color: <faint>; }
QComboBox::drop-down { border: none; width: 22px; }
QComboBox::down-arrow, QSpinBox::down-arrow, QDoubleSpinBox::down-arrow { image: url(<icons>/chevron-down-<name>.svg);
    width: 12px; height: 12px; }
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow { image: url(<icons>/chevron-up-<name>.svg); width: 12px; height: 12px; }
QSpinBox::up-button, QDoubleSpinBox::up-button { border: none; background: transparent; width: 20px;
    subcontrol-origin: border; subcontrol-position: top right; }
QSpinBox::down-button, QDoubleSpinBox::down-button { border: none; background: transparent; width: 20px;
    subcontrol-origin: border; subcontrol-position: bottom right; }
QSpinBox, QDoubleSpinBox { padding: 4px 24px 4px 5px; }
QCheckBox, QRadioButton { spacing: 7px; }
QCheckBox::indicator, QAbstractItemView::indicator { width: 14px; height: 14px; border: 1px solid <muted>;
    border-radius: 3px; background: <panel>; }
QCheckBox::indicator:checked, QAbstractItemView::indicator:checked { background: <accent>; border-color: <accent>;
    image: url(<icons>/check.svg); }
QCheckBox::indicator:disabled { border-color: <faint>; }
QRadioButton::indicator { width: 12px; height: 12px; border: 1px solid <muted>; border-radius: 7px;
    background: <panel>; }
QRadioButton::indicator:checked { background: <accent>; border: 4px solid <raised>; width: 6px; height: 6px; }
QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }
QComboBox QAbstractItemView { background: <panel>; border: 1px solid <border>; selection-background-color: <selection>;
    selection-color: <text>; outline: none; }

QAbstractItemView { background: <panel>; border: none; outline: none; selection-background-color: <selection>;
    selection-color: <text>; alternate-background-color: <window>; }
QAbstractItemView::item { padding: 3px 6px; }
QAbstractItemView::item:hover { background: <raised>; }
QAbstractItemView::item:selected { background: <selection>; color: <text>; }
QHeaderView { background: <panel>; border: none; }
QHeaderView::section { background: <panel>; color: <muted>; border: none; padding: 4px 6px; font-size: 11px; }

QDockWidget { color: <muted>; }
QDockWidget > QWidget { background: <panel>; }
QGroupBox { border: 1px solid <border>; border-radius: 6px; margin-top: 10px; padding: 12px 10px 8px 10px; }
QGroupBox::title { subcontrol-origin: margin; left: 10px; padding: 0 4px; color: <muted>; }
QTabWidget::pane { border: 1px solid <border>; border-radius: 6px; }
QTabBar { qproperty-drawBase: 0; }
QTabBar::tab { padding: 6px 12px; color: <muted>; background: transparent; border-bottom: 2px solid transparent; }
QTabBar::tab:selected { color: <text>; border-bottom-color: <accent>; }

QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: <raised>; border-radius: 4px; min-height: 24px; min-width: 24px; margin: 1px; }
QScrollBar::handle:hover { background: <faint>; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QScrollArea { background: transparent; border: none; }

QSlider::groove:horizontal { background: <raised>; height: 4px; border-radius: 2px; }
QSlider::sub-page:horizontal { background: <accent>; height: 4px; border-radius: 2px; }
QSlider::handle:horizontal { background: <text>; width: 12px; height: 12px; margin: -4px 0; border-radius: 6px; }
QSlider:focus { border: none; }
QProgressBar { background: <raised>; border: none; border-radius: 3px; min-height: 6px; max-height: 6px;
    text-align: center; color: transparent; }
QProgressBar::chunk { background: <accent>; border-radius: 3px; }

QStatusBar { background: <window>; color: <muted>; border-top: 1px solid <border>; }
QStatusBar::item { border: none; }
QStatusBar QLabel { color: <muted>; padding: 2px 8px; }
"""


def style_sheet(colors: Mapping[str, str]) -> str:
    """The style sheet with every ``<name>`` replaced by that value.

    Args:
        colors: colours as #rrggbb by name, and the theme's "name".

    Raises:
        KeyError: the template uses a name that `colors` lacks.
    """
    values = {**colors, "icons": resource_path("icons").as_posix()}
    return re.sub(r"<(\w+)>", lambda match: values[match.group(1)], _TEMPLATE)
