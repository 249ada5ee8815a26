"""Projects with known truth for the review list: detections, which object each really is, and its class."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from review_scenes import HEIGHT, LABELS, SIMILARITY, WIDTH, Scene, Thing, wandering

from app.document.adopt import begin_run
from app.document.document import Document
from app.document.edits import AddVideo
from app.document.history import History
from app.document.records import Video
from visolo.categories import LabelSet, load_label_set
from visolo.results import FrameResult, InstanceResult
from visolo.rle import Rle

CLIPS = Path(__file__).parent / "review_clips"
CLIP_SIZE = (68, 120)  # height, width of the recorded masks in px


@dataclass(frozen=True, eq=False)
class Recording:
    """Detections of one video and the truth about them, n of them in the order of frames.

    Attributes:
        frames, tracks, objects: (n,) int64; objects count from 1, 0 is none.
        instances: what the model saw.
        classes: class index by object.
    """

    length: int
    size: tuple[int, int]
    labels: LabelSet
    similarity: dict[str, float]
    frames: NDArray[np.int64]
    tracks: NDArray[np.int64]
    objects: NDArray[np.int64]
    instances: tuple[InstanceResult, ...]
    classes: dict[int, int]

    def only(self, chosen: NDArray[np.bool_]) -> "Recording":
        """Without the other detections."""
        return replace(
            self,
            frames=self.frames[chosen],
            tracks=self.tracks[chosen],
            objects=self.objects[chosen],
            instances=tuple(i for i, c in zip(self.instances, chosen.tolist(), strict=True) if c),
        )


@dataclass(eq=False)
class TrueProject:
    """A project of one video and what is really in it.

    Attributes:
        objects: object by instance id, from 1; 0 for what is no object. Instances keep their ids through all edits.
        categories: category_id by object.
    """

    document: Document
    history: History
    objects: dict[int, int]
    categories: dict[int, int] = field(default_factory=dict)

    def tracks(self) -> dict[int, list[tuple[int, int]]]:
        """(frame, object) of every instance, by track id and in the order of frames."""
        rows = self.document.rows(
            "SELECT track_id, frame_index, instance_id FROM cells WHERE video_id = 1 ORDER BY track_id, frame_index"
        )
        found: dict[int, list[tuple[int, int]]] = {}
        for track_id, frame_index, instance_id in rows:
            found.setdefault(track_id, []).append((frame_index, self.objects[instance_id]))
        return found


def clip_names(folder: Path = CLIPS) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.npz"))


def recorded_clip(name: str, folder: Path = CLIPS) -> Recording:
    """What the bundled model saw in a composed clip (`tests/bench/review_clips.py`), in the tracks that it made."""
    with np.load(folder / f"{name}.npz") as file:
        arrays = {key: file[key] for key in file.files}
    vectors = {key: arrays[key] * arrays[f"{key}_step"] for key in ("class_scores", "query", "reference")}
    counts = str(arrays["counts"]).split("\n")
    instances = tuple(
        InstanceResult(
            int(arrays["track"][row]),
            int(vectors["class_scores"][row].argmax()),
            float(arrays["score"][row]),
            Rle(CLIP_SIZE, counts[row]),
            int(arrays["cell"][row]),
            vectors["class_scores"][row].astype(np.float32),
            vectors["query"][row].astype(np.float16),
            vectors["reference"][row].astype(np.float16),
        )
        for row in range(len(counts))
    )
    labels = load_label_set("lite")
    names = [category.name for category in labels.categories]
    scale, bias = arrays["similarity"].tolist()
    return Recording(
        int(arrays["length"]),
        CLIP_SIZE,
        labels,
        {"scale": scale, "bias": bias},
        arrays["frame"].astype(np.int64),
        arrays["track"].astype(np.int64),
        arrays["object"].astype(np.int64),
        instances,
        {number + 1: names.index(str(name)) for number, name in enumerate(arrays["classes"].tolist())},
    )


def made_up_clip(seed: int, things: int = 5, noise: float = 0.6) -> Recording:
    """Boxes that wander through each other, with evidence as noisy as `noise`; every thing has one track."""
    generator = np.random.default_rng(seed)
    looks = generator.integers(0, 1000, things).tolist()
    actors = [Thing(k % 3, wandering(seed * 100 + k), looks[k], int(generator.integers(10, 20))) for k in range(things)]
    return scene_recording(Scene(actors, noise=noise))


def scene_recording(scene: Scene) -> Recording:
    """A made-up video, with which thing each detection is; things that are no objects are object 0."""
    results = scene.results()
    objects = [k + 1 if t.is_real else 0 for f in range(scene.frames) for k, t in scene.found_in(f)]
    return Recording(
        len(results),
        (HEIGHT, WIDTH),
        LABELS,
        SIMILARITY,
        np.array([r.frame_index for r in results for _ in r.instances], np.int64),
        np.array([i.track_id + 1 for r in results for i in r.instances], np.int64),
        np.array(objects, np.int64),
        tuple(i for r in results for i in r.instances),
        {k + 1: thing.category_index for k, thing in enumerate(scene.things)},
    )


def truly_tracked(recording: Recording) -> Recording:
    """Every object in one track of its own, without what is no object or twice; its class is what most frames say."""
    first = np.unique(np.stack([recording.frames, recording.objects], 1), axis=0, return_index=True)[1]
    chosen = np.zeros(len(recording.frames), bool)
    chosen[first] = True
    kept = recording.only(chosen & (recording.objects > 0))
    scores = np.array([instance.class_scores for instance in kept.instances])
    classes = {t: int(scores[kept.objects == t].mean(0).argmax()) for t in np.unique(kept.objects).tolist()}
    return replace(kept, tracks=kept.objects.copy(), classes=classes)


def open_recording(recording: Recording, path: Path) -> TrueProject:
    """A recording as a project: video 1, one finished run."""
    document = Document.create(path)
    history = History(document, "tester")
    history.do(AddVideo(Video(1, "clip", "clip.mp4", recording.length, *recording.size, 25.0)))
    run = begin_run(history, 1, {"model": "m", "weights_id": "w", "similarity": recording.similarity}, recording.labels)
    objects: list[int] = []
    dense = {track: index for index, track in enumerate(dict.fromkeys(recording.tracks.tolist()))}
    for frame_index in range(recording.length):
        rows = np.flatnonzero(recording.frames == frame_index).tolist()
        objects += recording.objects[rows].tolist()
        found = [replace(recording.instances[row], track_id=dense[int(recording.tracks[row])]) for row in rows]
        run.add([FrameResult(frame_index, tuple(found))])
    run.finish("done")
    ids = [row[0] for row in document.rows("SELECT instance_id FROM cells ORDER BY instance_id")]
    ordered = [category.category_id for category in document.categories()]
    classes = {thing: ordered[index] for thing, index in recording.classes.items()}
    return TrueProject(document, history, dict(zip(ids, objects, strict=True)), classes)
