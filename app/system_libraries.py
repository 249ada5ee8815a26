"""Says in one line which system packages Qt misses, before Qt fails with a linker message. Imports nothing of Qt."""

import argparse
import ctypes
import importlib.util
import subprocess
import sys
from pathlib import Path

_PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxcb.so.1": "libxcb1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libX11.so.6": "libx11-6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
}
_LIBRARIES = ("libQt6Gui.so.6", "libQt6Widgets.so.6")
_SCREEN_PLUGIN = "plugins/platforms/libqxcb.so"


def missing_packages(libraries: list[str]) -> list[str]:
    """Debian package names for shared libraries that cannot be loaded, sorted, each once."""
    return sorted({_PACKAGES.get(name, name) for name in libraries if not _loads(name)})


def needed_libraries(with_screen: bool) -> list[str]:
    """Shared libraries that Qt asks the system for and the linker does not find.

    Args:
        with_screen: also look at the plugin that opens windows on an X server.
    """
    spec = importlib.util.find_spec("PySide6")
    if spec is None or not spec.submodule_search_locations or not sys.platform.startswith("linux"):
        return []
    qt = Path(spec.submodule_search_locations[0]) / "Qt"
    files = [qt / "lib" / name for name in _LIBRARIES] + ([qt / _SCREEN_PLUGIN] if with_screen else [])
    missing: list[str] = []
    for file in files:
        listing = subprocess.run(["ldd", str(file)], capture_output=True, text=True, check=False).stdout
        missing += [line.split()[0] for line in listing.splitlines() if "not found" in line]
    return [*missing, "libGL.so.1"]


def main() -> int:
    """Print the apt line that is missing; 0 when nothing is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--screen", action="store_true", help="also check what windows on a screen need")
    packages = missing_packages(needed_libraries(parser.parse_args().screen))
    if packages:
        line = (
            f"Qt needs system libraries that are missing here; install them with: sudo apt install {' '.join(packages)}"
        )
        print(line, file=sys.stderr)  # noqa: T201 - a command of the Makefile
    return 2 if packages else 0


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
