"""Damaged files of every format: whatever is wrong with them, it is said in one sentence and never a traceback."""

import json
import random
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from formats_data import plain_dataset
from test_formats_coco import burst_table

from visolo.errors import VisoloError
from visolo.formats.catalogue import read_any, write_any

NAMES = {"davis": "", "mots-txt": "", "mots-png": "", "cvat": "", "labelme": "", "coco": ".json", "burst": ".json"}
PIECES = (b"9", b"999999999999", b"-1", b"\n", b"<a>", b"nan", b"1e9", b"\xff", b'"', b" ")
VALUES = (None, [], {}, -1, 1e30, "x", "", [None], {"a": 1}, True, 0, 2**70, 1.5, [[]], [1, 2])
ROUNDS = 60


@pytest.mark.parametrize("name", NAMES)
def test_damage_is_said_in_one_sentence(name, tmp_path):
    sound = tmp_path / f"sound{NAMES[name]}"
    if name == "burst":
        sound.write_text(json.dumps(burst_table()))
    else:
        write_any(sound, plain_dataset(), name)
    draw = random.Random(name)
    sentences = []
    for number in range(ROUNDS):
        broken = tmp_path / f"{number}{NAMES[name]}"
        (shutil.copytree if sound.is_dir() else shutil.copy)(sound, broken)
        files = sorted(path for path in broken.rglob("*") if path.is_file()) if broken.is_dir() else [broken]
        damage(draw.choice(files), draw)
        try:
            read_any(broken, name)
        except VisoloError as error:
            sentences.append(str(error))
    assert len(sentences) > ROUNDS // 4
    assert all("\n" not in sentence and str(tmp_path) in sentence for sentence in sentences)


def damage(path, draw):
    """Change a value of a JSON file, or bytes of any."""
    data = bytearray(path.read_bytes())
    if path.suffix == ".json" and draw.random() < 0.7:
        table = json.loads(data)
        change(table, draw)
        path.write_text(json.dumps(table))
        return
    place = draw.randrange(len(data))
    kind = draw.random()
    if kind < 0.4:
        data[place] = draw.randrange(256)
    elif kind < 0.8:
        data[place:place] = draw.choice(PIECES)
    else:
        del data[place : draw.choice((place + 1, place + 20, len(data)))]
    path.write_bytes(bytes(data))


def change(table, draw):
    """Put something else at one place of a tree, or take it away."""
    places = []
    trees = [table]
    while trees:
        tree = trees.pop()
        keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
        places += [(tree, key) for key in keys]
        trees += [tree[key] for key in keys if isinstance(tree[key], (dict, list))]
    tree, key = draw.choice(places)
    if draw.random() < 0.2:
        del tree[key]
    else:
        tree[key] = draw.choice(VALUES)
