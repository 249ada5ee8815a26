"""The real engine with a small network over a made-up video, and projects of what it finds."""

import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))

from small_network import small_network, video

from app.document.adopt import begin_run
from app.document.association import decided_links, known_state, read_decisions, with_known_names
from app.document.document import Document
from app.document.edits import AddVideo
from app.document.history import History
from app.document.records import Video
from app.document.seen_instances import read_seen
from visolo.categories import Category, LabelSet
from visolo.config import InferenceConfig
from visolo.inference.memory import memory_frames
from visolo.inference.segmenter import OnlineSegmenter, model_similarity

COUNT, SIZE = 24, (72, 108)
CONFIG = InferenceConfig()
CLASSES = LabelSet("five", tuple(Category(i + 1, f"class {i}") for i in range(5)))


class Engine:
    """The real engine with a small network, and how often the network was asked."""

    def __init__(self) -> None:
        self.model = small_network()
        self.calls: Counter[str] = Counter()
        for name, module in self.model.named_modules():
            module.register_forward_hook(lambda *_, name=name: self.calls.update([name]))
        self.frames = video(COUNT, SIZE)
        segmenter = OnlineSegmenter(self.model, CONFIG, links_by_evidence=True)
        self.results = [segmenter.step(frame) for frame in self.frames]

    def open_project(self, path: Path) -> tuple[Document, History]:
        """A project with the results as a finished run over video 1."""
        document = Document.create(path)
        history = History(document, "tester")
        history.do(AddVideo(Video(1, "v", "v.mp4", COUNT, *SIZE, 25.0)))
        similarity = asdict(model_similarity(self.model))
        noted = {"model": "small", "weights_id": "small", "similarity": similarity, "inference": asdict(CONFIG)}
        run = begin_run(history, 1, noted, CLASSES)
        run.add(self.results)
        run.finish("done")
        return document, history

    def run_again(self, document: Document, first: int) -> np.ndarray:
        """Tracks of all instances from a frame on, when the whole engine goes on from there under the constraints."""
        seen = read_seen(document, 1, first, lambda share: None)
        state = known_state(document, seen)
        segmenter = OnlineSegmenter(self.model, CONFIG, links_by_evidence=True)
        remembered = [(t, self.frames[t]) for t in memory_frames(first, CONFIG)]
        decisions = read_decisions(document, 1)
        segmenter.prime(first, remembered, state, decided_links(decisions, seen))
        linked = [i.track_id for image in self.frames[first:] for i in segmenter.step(image).instances]
        return with_known_names(seen, np.array(linked, np.int64), state, decisions)
