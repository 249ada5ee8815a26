"""What a check found: how often each rule was broken, and where."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]


class Rule(NamedTuple):
    """One rule of a file.

    Attributes:
        severity: an error makes the file unusable here or wrong elsewhere; a warning is odd, but has one meaning.
        meaning: what should hold.
    """

    severity: Severity
    meaning: str


RULES = {
    "structure": Rule("error", "objects, lists and values are of the right kind"),
    "video-id": Rule("error", "every video has an id of its own"),
    "video-size": Rule("error", "every video has a width, height and length"),
    "file-names": Rule("error", "a video names one file per frame, each once"),
    "category": Rule("error", "every class has an id of its own and a name"),
    "category-name": Rule("warning", "no two classes have the same name"),
    "annotation-id": Rule("error", "every annotation has an id of its own"),
    "unknown-video": Rule("error", "an annotation's video is listed"),
    "unknown-category": Rule("error", "an annotation's class is listed"),
    "iscrowd": Rule("error", "iscrowd is 0 or 1"),
    "score": Rule("error", "a score is a number of 0 or more"),
    "length": Rule("error", "an annotation has one mask or null per frame"),
    "mask": Rule("error", "a mask is null, an RLE that covers the frame exactly, or polygons"),
    "mask-size": Rule("error", "a mask is as large as its video"),
    "outside": Rule("warning", "polygons lie inside the frame"),
    "empty-mask": Rule("warning", "an absent object is null, not a mask without pixels"),
    "no-mask": Rule("warning", "a track has a mask in some frame"),
    "size-fields": Rule("warning", "an annotation's width and height are those of its video"),
    "areas": Rule("error", "areas are numbers of 0 or more, one per frame"),
    "areas-differ": Rule("warning", "areas are those of the masks; size-wise scores follow them"),
    "bboxes": Rule("error", "boxes are [x, y, width, height] or null, one per frame"),
    "bboxes-differ": Rule("warning", "boxes are those of the masks, to a pixel"),
    "repeated-track": Rule("warning", "no track stands in the file twice"),
    "image-missing": Rule("error", "every frame has its image"),
    "image-size": Rule("error", "every image is as large as its video"),
    "no-images": Rule("warning", "the images are found"),
}
BBOX_TOLERANCE = 1.0  # pixels


class Problem(NamedTuple):
    """One broken rule.

    Attributes:
        rule: key of `RULES`.
        place: path of the entry in the file, e.g. ``annotations[3].segmentations[7]``; or of an image.
        text: one sentence that begins with the place.
        fix: what mending does about it; None where that would need a guess.
    """

    rule: str
    place: str
    text: str
    fix: str | None = None


@dataclass(frozen=True)
class RuleCount:
    """How often one rule was broken, and how many of these can be mended."""

    rule: str
    severity: Severity
    total: int
    fixable: int


class Report:
    """Collects problems; keeps the first of each rule and counts them all.

    Args:
        limit: how many problems of one rule are kept; None keeps all.
    """

    def __init__(self, limit: int | None = 10) -> None:
        self._limit = limit
        self._totals: Counter[str] = Counter()
        self._fixes: Counter[tuple[str, str]] = Counter()
        self._kept: dict[str, list[Problem]] = {}

    def add(self, rule: str, place: str, problem: str, fix: str | None = None) -> None:
        """Take note of one problem; `problem` may or may not begin with the place."""
        assert rule in RULES
        self._totals[rule] += 1
        if fix is not None:
            self._fixes[rule, fix] += 1
        kept = self._kept.setdefault(rule, [])
        if self._limit is None or len(kept) < self._limit:
            text = problem if problem.startswith(place) else f"{place}: {problem}"
            kept.append(Problem(rule, place, text, fix))

    def count(self, severity: Severity) -> int:
        """Number of problems of one severity."""
        return sum(total for rule, total in self._totals.items() if RULES[rule].severity == severity)

    def not_fixable(self, severity: Severity) -> int:
        """Number of problems of one severity that mending leaves."""
        return sum(c.total - c.fixable for c in self.counts() if c.severity == severity)

    def counts(self) -> list[RuleCount]:
        """Every broken rule, errors first, in the order of `RULES`."""
        fixable: Counter[str] = Counter()
        for (rule, _), number in self._fixes.items():
            fixable[rule] += number
        broken = [rule for rule in RULES if self._totals[rule]]
        broken.sort(key=lambda rule: RULES[rule].severity)
        return [RuleCount(rule, RULES[rule].severity, self._totals[rule], fixable[rule]) for rule in broken]

    def fixes(self) -> Iterator[tuple[str, int]]:
        """What mending does, and how often."""
        for (_, fix), number in self._fixes.items():
            yield fix, number

    def problems(self, rule: str) -> list[Problem]:
        """The problems of one rule that were kept, in file order."""
        return self._kept.get(rule, [])
