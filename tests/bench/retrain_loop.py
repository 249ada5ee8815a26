"""From a mistake to better weights: python tests/bench/retrain_loop.py [--steps 120] [--device cpu] [--keep DIR].

The whole loop on a real clip, by the commands and edits that a person uses. The first five seconds of a clip of
`../shared/media` show a man in a lift, far off in the dark, whom the bundled model takes for a boat, and a mirror that
it takes for another. Tracked; the class set to person, the mirror deleted; the first frames confirmed and exported;
fine-tuned on these; tracked again with both weights. Printed are AP and score of the person before and after, on the
confirmed frames and on the later ones that training never saw, and what became of videos of other things (AP50).
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from PIL import Image

from app.document.confirm_edits import Confirm
from app.document.document import Document
from app.document.edits import DeleteTrack, SetCategory
from app.document.exchange import ExportOptions, export_dataset
from app.document.history import History
from app.document.records import FrameRange
from app.training.choice import FINE_TUNING_BLEND, fine_tuning_rate
from visolo.categories import load_label_set
from visolo.io.frames import open_frames
from visolo.resources import resource_path

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("VISOLO_SHARED", ROOT.parent / "shared"))
CLIP = SHARED / "media" / "zoo" / "torchcodec_nasa_13013.mp4"
OTHERS = SHARED / "data" / "davis6" / "instances.json"
BUNDLED = resource_path("models", "visolo-lite.safetensors")
PERSON = next(c.category_id for c in load_label_set("lite").categories if c.name == "person")


def main() -> None:
    """Run the loop and print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=150, help="of the clip; at most 150, then the picture changes")
    parser.add_argument("--confirmed", type=int, default=100, help="frames that are confirmed and trained on")
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--learning-rate", type=float, default=fine_tuning_rate("lite"), help="default: the app's")
    parser.add_argument("--blend", type=float, default=FINE_TUNING_BLEND, help="share of the new (default: the app's)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--keep", type=Path, help="folder for all files, else a temporary one")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        loop(folder, options)


def loop(folder: Path, options: argparse.Namespace) -> None:
    clip, project = folder / "clip", folder / "project.visolo"
    cut(clip, options.frames)
    visolo("track", clip, "--out", folder / "old.json", "--project", project, "--device", options.device, "--quiet")
    correct(project, options.confirmed, folder)
    started = time.monotonic()
    visolo(
        "train", "--data", folder / "corrected.json", "--out", folder / "run", "--init", BUNDLED, "--quiet",
        "--steps", options.steps, "--learning-rate", options.learning_rate, "--blend", options.blend,
        "--device", options.device,
    )  # fmt: skip
    print(f"trained {options.steps} steps in {time.monotonic() - started:.0f} s on {options.device}")
    new = folder / "run" / "weights.safetensors"
    visolo("track", clip, "--out", folder / "new.json", "--weights", new, "--device", options.device, "--quiet")
    parts = {"confirmed": (0, options.confirmed), "later": (options.confirmed, options.frames)}
    for name, (first, last) in parts.items():
        if last > first:
            scores = [person_found(folder, which, first, last) for which in ("old", "new")]
            print(f"{name} frames {first} to {last - 1}: person AP {scores[0][0]:.3f} -> {scores[1][0]:.3f}", end="")
            print(f", score {scores[0][1]:.3f} -> {scores[1][1]:.3f}")
    others = [ap50_on_others(folder, weights, options.device) for weights in (BUNDLED, new)]
    print(f"other videos (davis6): AP50 {others[0]:.3f} -> {others[1]:.3f}")


def cut(target: Path, frame_count: int) -> None:
    """The first frames of the clip, exactly, as a folder of images."""
    target.mkdir(exist_ok=True)
    with open_frames(CLIP) as frames:
        for index in range(frame_count):
            Image.fromarray(frames[index]).save(target / f"{index:05d}.png")


def correct(project: Path, confirmed: int, folder: Path) -> None:
    """What a person does: the man is a person, the mirror is nothing; the first frames are right then."""
    document = Document.open(project)
    try:
        history = History(document)
        tracks = sorted(document.tracks(1), key=lambda summary: -summary.frame_count)
        man = tracks[1].track.track_id  # the mirror is there for longer
        history.do(SetCategory(1, (man,), PERSON))
        for summary in tracks:
            if summary.track.track_id != man:
                history.do(DeleteTrack(1, summary.track.track_id))
        exhaust(export_dataset(document, ExportOptions(folder / "truth.json")))
        history.do(Confirm(1, None, FrameRange(0, confirmed - 1)))
        exhaust(
            export_dataset(
                document, ExportOptions(folder / "corrected.json", frames="confirmed-ranges", with_frames=True)
            )
        )
    finally:
        document.close()


def exhaust(steps: Iterator[Any]) -> None:
    for _ in steps:
        pass


def person_found(folder: Path, which: str, first: int, last: int) -> tuple[float, float]:
    """AP of the class person, and the best score of one, in a part of the clip."""
    truth, found = (json.loads((folder / f"{name}.json").read_text()) for name in ("truth", which))
    for track in (*truth["annotations"], *found):
        for key in ("segmentations", "areas", "bboxes"):
            if key in track:
                track[key] = track[key][first:last]
    for video in truth["videos"]:
        video["length"], video["file_names"] = last - first, video["file_names"][first:last]
    paths = [folder / f"{which}-{name}-{first}.json" for name in ("truth", "found")]
    found = [track for track in found if any(track["segmentations"])]
    for path, table in zip(paths, (truth, found), strict=True):
        path.write_text(json.dumps(table))
    numbers = json.loads(visolo("evaluate", *paths, "--json"))
    scores = [track["score"] for track in found if track["category_id"] == PERSON]
    return numbers["per_category"][str(PERSON)]["AP"], max(scores, default=0.0)


def ap50_on_others(folder: Path, weights: Path, device: str) -> float:
    """AP50 on the held-out videos that the bundled model is measured on."""
    results = folder / f"others-{weights.stem}.json"
    visolo("track", OTHERS, "--out", results, "--weights", weights, "--device", device, "--quiet")
    return float(json.loads(visolo("evaluate", OTHERS, results, "--json"))["AP50"])


def visolo(*arguments: object) -> str:
    """What a command of the engine prints."""
    command = [sys.executable, "-m", "visolo", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed with code {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    main()
