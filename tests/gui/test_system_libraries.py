"""Missing system libraries of Qt are named as one apt line."""

from app.system_libraries import main, missing_packages, needed_libraries


def test_missing_libraries_become_package_names_once():
    names = ["libc.so.6", "libno-such-thing.so.7", "libno-such-thing.so.7"]
    assert missing_packages(names) == ["libno-such-thing.so.7"]


def test_this_machine_can_run_qt(monkeypatch):
    monkeypatch.setattr("sys.argv", ["system_libraries"])
    assert main() == 0
    assert "libGL.so.1" in needed_libraries(with_screen=False)
