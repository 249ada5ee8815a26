"""Letter keys by their place on the keyboard: with a Russian or Greek layout the D key types another letter than D."""

import sys

from PySide6.QtCore import QKeyCombination, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence

# Codes of key caps as the first IBM AT keyboards sent them; Linux (plus 8 on X11 and Wayland) and Windows keep them.
_ROWS = {16: "QWERTYUIOP[]", 30: "ASDFGHJKL;'`", 44: "ZXCVBNM,./"}
_X11_OFFSET = 8
# macOS numbers key caps in another order.
_MAC = dict(zip((0, 11, 8, 2, 14, 3, 5, 4, 34, 38, 40, 37, 46, 45, 31, 35, 12, 15, 1, 17, 32, 9, 13, 7, 16, 6, 33, 30),
                "ABCDEFGHIJKLMNOPQRSTUVWXYZ[]", strict=True))  # fmt: skip


def _codes() -> dict[int, str]:
    return {first + index: letter for first, row in _ROWS.items() for index, letter in enumerate(row)}


_AT = _codes()


def key_cap(event: QKeyEvent) -> str | None:
    """What a US keyboard has printed on the pressed key; None for keys other than letters and brackets."""
    if sys.platform == "darwin":
        return _MAC.get(event.nativeVirtualKey())
    code = event.nativeScanCode()
    return _AT.get(code - _X11_OFFSET if sys.platform.startswith("linux") else code & 0x7F)


def physical_sequence(event: QKeyEvent) -> QKeySequence | None:
    """The shortcut that was meant, on layouts that type no Latin letters; None where the key needs no translation."""
    typed = event.key()
    if typed <= 0x7F or typed >= int(Qt.Key.Key_Escape):
        return None
    cap = key_cap(event)
    if cap is None:
        return None
    modifiers = event.modifiers() & ~(Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.GroupSwitchModifier)
    return QKeySequence(QKeyCombination(modifiers, Qt.Key(ord(cap))))
