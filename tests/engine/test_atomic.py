"""Files are written whole or not at all."""

import pytest

from visolo.errors import OutputError
from visolo.io.atomic import atomic_folder, atomic_path, write_text


def test_failure_keeps_the_old_file_and_leaves_nothing_behind(tmp_path):
    target = tmp_path / "a.json"
    write_text(target, "old")
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        temporary.write_text("half", encoding="utf-8")
        raise RuntimeError
    assert target.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_missing_folder_is_said_in_a_sentence(tmp_path):
    with pytest.raises(OutputError, match="choose another folder"):
        write_text(tmp_path / "no" / "a.json", "x")


def test_full_disk_keeps_the_old_file():
    with pytest.raises(OutputError, match=r"cannot write there|writing failed"):
        write_text("/dev/full/a.json", "x")


def test_error_while_writing_becomes_an_output_error(tmp_path):
    target = tmp_path / "a.json"
    with pytest.raises(OutputError, match="No space left"), atomic_path(target) as temporary:
        temporary.write_text("x", encoding="utf-8")
        raise OSError(28, "No space left on device")
    assert not target.exists()


def test_devices_and_folders_are_not_replaced(tmp_path):
    for target in ("/dev/null", tmp_path):
        with pytest.raises(OutputError, match="not a file that can be replaced"):
            write_text(target, "x")


def test_a_folder_is_there_whole_or_not_at_all(tmp_path):
    with pytest.raises(RuntimeError), atomic_folder(tmp_path / "new") as temporary:
        (temporary / "half").touch()
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with atomic_folder(tmp_path / "new") as temporary:
        (temporary / "whole").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["new", "whole"]


def test_what_is_in_a_folder_is_not_replaced(tmp_path):
    (tmp_path / "photo.jpg").touch()
    for target in (tmp_path, tmp_path / "photo.jpg"):
        with pytest.raises(OutputError, match="name a new folder"), atomic_folder(target):
            pass
    assert (tmp_path / "photo.jpg").is_file()
