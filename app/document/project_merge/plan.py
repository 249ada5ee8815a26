"""Two projects compared: their videos, what comes over, and what a person has to decide. Changes nothing."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from app.document.images import Cell
from app.document.project_merge.ancestor import Ancestor, authors_since, find_ancestor, has_news
from app.document.project_merge.class_names import ClassMatch, match_classes
from app.document.project_merge.conflicts import Conflict, grouped
from app.document.project_merge.deciding import Disputed, FrameRules, Outcome
from app.document.project_merge.facts import Facts, RowChange
from app.document.project_merge.objects import MaskReader, Matched, Matcher, Sides
from app.document.project_merge.states import FACTS, VideoState, current_state, rewound, translated
from app.document.project_merge.their_project import TheirFile, TheirQueries
from app.document.queries import Queries
from app.document.records import Video
from app.document.seen_instances import Progress
from visolo.formats.exchange import part_of, silent
from visolo.words import counted

NOTHING = "nothing"
_NO_ENTRY = 2**53
_FRAMES_AT_ONCE = 64


class VideoFate(StrEnum):
    """Where a video is."""

    MATCHED = "in both"
    ONLY_OURS = "only here"
    ONLY_THEIRS = "only there"
    REMOVED = "removed here"
    OTHER_SIZE = "of another length or size there"


@dataclass(frozen=True)
class Coming:
    """How much of their work comes over, conflicts left aside.

    Attributes:
        frame_count, track_count: where instances change.
        fact_count: other rows: classes and locks of tracks that both have, absences, confirmed ranges, dismissals,
            rejections and notes.
    """

    frame_count: int
    track_count: int
    fact_count: int

    def __bool__(self) -> bool:
        return bool(self.frame_count or self.fact_count)

    def __str__(self) -> str:
        parts = []
        if self.frame_count:
            parts.append(f"{counted(self.frame_count, 'frame')} of {counted(self.track_count, 'track')}")
        if self.fact_count:
            parts.append(counted(self.fact_count, "mark"))
        return ", ".join(parts) or NOTHING


class CellChange(NamedTuple):
    """An instance of ours that changes: how it is, and what becomes of it; None for one that comes."""

    before: Cell | None
    outcome: Outcome


class Changes(NamedTuple):
    """What changes in a video of ours."""

    cells: list[CellChange]
    rows: list[RowChange]
    coming: Coming


@dataclass(frozen=True, eq=False)
class VideoMerge:
    """One video of either project.

    Attributes:
        video: as ours has it; of one that only they have, as it would be added.
        their_id: 0 where only ours has it.
        conflicts: in which theirs is not taken unless a person says so.
    """

    fate: VideoFate
    video: Video
    their_id: int = 0
    conflicts: tuple[Conflict, ...] = ()
    matched: Matched | None = None
    rules: FrameRules | None = None
    facts: Facts | None = None
    _known: dict[frozenset[Conflict], "Changes"] = field(default_factory=dict)

    def changes(self, taken: Collection[Conflict] = ()) -> "Changes":
        """What changes in the project, with theirs taken in some conflicts."""
        if self.facts is None or self.matched is None or self.rules is None:
            return Changes([], [], Coming(0, 0, 0))
        mine = frozenset(conflict for conflict in taken if conflict.video_id == self.video.video_id)
        if mine not in self._known:
            self._known.clear()  # asked for again and again with what was decided last
            theirs = {one for conflict in mine for one in conflict.disputed}
            things, rules = self.matched.things, self.rules
            outcomes = {f: rules.resolve(f, found, theirs.__contains__) for f, found in things.items()}
            self.remember(mine, outcomes)
        return self._known[mine]

    def remember(self, taken: frozenset[Conflict], outcomes: Mapping[int, list[Outcome]]) -> None:
        """What becomes of the frames with theirs taken in some conflicts, where that is known already."""
        assert self.facts is not None
        assert self.matched is not None
        cells = [
            CellChange(None if o.thing.ours is None else o.thing.ours.cell, o)
            for frame in outcomes.values()
            for o in frame
            if is_changed(o)
        ]
        rows = self.facts.changes(taken, outcomes)
        places = [
            (c.outcome.track_id or (c.before.track_id if c.before else 0), _frame(c)) for c in cells if is_seen(c)
        ]
        new = set(self.matched.new_tracks.values())
        fact_count = sum(row.table != "tracks" or row.key[0] not in new for row in rows)
        coming = Coming(len({f for _, f in places}), len({t for t, _ in places}), fact_count)
        self._known[taken] = Changes(cells, rows, coming)

    def coming(self, taken: Collection[Conflict] = ()) -> Coming:
        """How much that is."""
        return self.changes(taken).coming


@dataclass(frozen=True, eq=False)
class ProjectMerge:
    """What `compare_projects` finds.

    Attributes:
        theirs: the other project.
        ours_mark, theirs_mark: how far the histories were; see `history_mark`.
        authors: who made how many of the entries that ours lacks.
        notes: sentences for a person.
    """

    theirs: TheirFile
    ancestor: Ancestor
    videos: tuple[VideoMerge, ...]
    classes: ClassMatch
    authors: Mapping[str, int]
    ours_mark: tuple[int, ...]
    theirs_mark: tuple[int, ...]
    notes: tuple[str, ...]

    @property
    def conflicts(self) -> list[Conflict]:
        """Of all videos."""
        return [conflict for video in self.videos for conflict in video.conflicts]

    @property
    def people(self) -> str:
        """Whose work it is, e.g. "Anna's and Ben's"."""
        names = [f"{name}'s" for name in self.authors] or [f"{self.theirs.path.stem}'s"]
        return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

    def is_empty(self) -> bool:
        """Whether nothing would change, whatever is decided."""
        added = any(video.fate is VideoFate.ONLY_THEIRS for video in self.videos)
        return not (added or self.classes.has_news or self.conflicts or any(video.coming() for video in self.videos))


def compare_projects(ours: Queries, theirs: TheirQueries, progress: Progress = silent) -> ProjectMerge:
    """Find what another project has that ours could take over.

    Args:
        ours: the project that would change.
        theirs: the other one.
        progress: told the share that is done; may raise to stop.
    """
    ancestor = find_ancestor(ours, theirs)
    classes = match_classes(ours, theirs, ancestor)
    pairs = list(_pairs(ours, theirs))
    is_new = has_news(theirs, ancestor)
    videos = []
    for number, (fate, mine, other) in enumerate(pairs):
        part = part_of(progress, number / len(pairs), (number + 1) / len(pairs))
        part(0)
        if other is None or fate is VideoFate.OTHER_SIZE:
            videos.append(VideoMerge(fate, mine))
        elif fate is VideoFate.MATCHED and not is_new(other.video_id):
            known = ancestor.merged_tracks(mine.video_id, other.video_id)
            videos.append(VideoMerge(fate, mine, other.video_id, matched=Matched({}, known, {})))
        else:
            common = ancestor if fate is VideoFate.MATCHED else ancestor.nothing()
            videos.append(_Comparison(ours, theirs, common, classes).video(fate, mine, other, part))
    return ProjectMerge(
        theirs.file,
        ancestor,
        tuple(videos),
        classes,
        authors_since(theirs, ancestor),
        history_mark(ours),
        history_mark(theirs),
        (*_notes(ancestor), *classes.notes),
    )


def history_mark(queries: Queries, before_entry: int = _NO_ENTRY) -> tuple[int, ...]:
    """Another one after everything that changed a project; entries from `before_entry` on do not count."""
    rows = queries.rows(
        "SELECT count(DISTINCT entry_id), coalesce(max(entry_id), 0), coalesce(max(part_id), 0)"
        " FROM history LEFT JOIN history_parts USING (entry_id) WHERE NOT undone AND entry_id < ?",
        before_entry,
    )
    return tuple(rows[0])


def is_changed(outcome: Outcome) -> bool:
    """Whether an object of ours does not stay exactly as it is."""
    ours = outcome.thing.ours
    if ours is None:
        return outcome.track_id is not None
    return outcome.track_id != ours.track_id or outcome.mask is not ours or outcome.touch != ours.cell.edited


def is_seen(change: CellChange) -> bool:
    """Whether it is more than a mark that a person had a hand in it."""
    ours = change.outcome.thing.ours
    return ours is None or change.outcome.track_id != ours.track_id or change.outcome.mask is not ours


class _Comparison(NamedTuple):
    ours: Queries
    theirs: Queries
    ancestor: Ancestor
    classes: ClassMatch

    def video(self, fate: VideoFate, mine: Video, other: Video, progress: Progress) -> VideoMerge:
        sides = self._sides(fate, mine, other, part_of(progress, 0, 0.3))
        first_free = self.ours.next_track_id(mine.video_id)
        matcher = Matcher(sides, self.ancestor, MaskReader(self.ours, self.theirs), first_free)
        matched = matcher.match(self._known_tracks(sides, mine.video_id, other.video_id), part_of(progress, 0.4, 0.9))
        rules = FrameRules.of(sides, matched.all_tracks, self.ancestor)
        names = {c.category_id: c.name for c in (*self.ours.categories(), *self.classes.missing)}
        is_theirs = self.ancestor.side == "theirs"
        facts = Facts(mine.video_id, sides, matched, rules, self.classes.ours, names, is_theirs)
        disputed: list[Disputed] = []

        def note(one: Disputed) -> bool:
            disputed.append(one)
            return False

        outcomes: dict[int, list[Outcome]] = {}
        for number, (frame_index, things) in enumerate(matched.things.items()):
            if number % _FRAMES_AT_ONCE == 0:
                progress(0.9 + 0.1 * number / len(matched.things))
            outcomes[frame_index] = rules.resolve(frame_index, things, note)
        conflicts = [*grouped(mine.video_id, disputed), *facts.conflicts()]
        merge = VideoMerge(fate, mine, other.video_id, tuple(conflicts), matched, rules, facts)
        merge.remember(frozenset(), outcomes)
        return merge

    def _sides(self, fate: VideoFate, mine: Video, other: Video, progress: Progress) -> Sides:
        if fate is VideoFate.MATCHED:
            ours = current_state(self.ours, mine.video_id)
        else:
            ours = VideoState({}, {table: {} for table in FACTS}, (), mine.frame_count)
        shared = self.ancestor.shared_mask, self.ancestor.shared_run
        progress(0.3)
        known = current_state(self.theirs, other.video_id)
        progress(0.6)
        theirs = translated(known, mine.video_id, *shared)
        progress(0.8)
        base = None
        if fate is not VideoFate.MATCHED or (self.ancestor.is_known and _is_alike(ours, theirs)):
            base = ours
        elif self.ancestor.entry_id is not None and self.ancestor.side == "ours":
            base = rewound(self.ours, mine.video_id, ours, self.ancestor.entry_id)
        elif self.ancestor.entry_id is not None:
            past = rewound(self.theirs, other.video_id, known, self.ancestor.entry_id)
            base = translated(past, mine.video_id, *shared)
        return Sides(ours, theirs, base)

    def _known_tracks(self, sides: Sides, our_video: int, their_video: int) -> dict[int, int]:
        known = self.ancestor.merged_tracks(our_video, their_video)
        if not known and self.ancestor.shared_entry and sides.base is not None:
            known = {int(key[0] or 0): int(key[0] or 0) for key in sides.base.facts["tracks"]}
        return known


def _pairs(ours: Queries, theirs: Queries) -> Iterable[tuple[VideoFate, Video, Video | None]]:
    """Videos of both that are the same: of one length and size, and one file, or one name."""
    left: dict[int, Video] = {}
    known: dict[tuple[object, ...], list[int]] = {}
    for other in theirs.videos():
        left[other.video_id] = other
        for key in _keys(theirs, other):
            known.setdefault((*_shape(other), *key), []).append(other.video_id)
    for mine in ours.videos():
        fitting = [i for key in _keys(ours, mine) for i in known.get((*_shape(mine), *key), []) if i in left]
        if fitting:
            yield VideoFate.MATCHED, mine, left.pop(fitting[0])
        else:
            yield VideoFate.ONLY_OURS, mine, None
    free = ours.next_video_id()
    kept = {video.name: video for video in ours.videos()}
    removed = {
        (n, c, h, w) for n, c, h, w in ours.rows("SELECT name, frame_count, height, width FROM videos WHERE removed")
    }
    for other in left.values():
        added = replace(other, video_id=free, source=str(theirs.source_path(other.video_id).resolve()))
        free += 1
        if other.name in kept and _shape(other) != _shape(kept[other.name]):
            yield VideoFate.OTHER_SIZE, added, other
        elif (other.name, *_shape(other)) in removed:
            yield VideoFate.REMOVED, added, other
        else:
            yield VideoFate.ONLY_THEIRS, added, other


def _keys(queries: Queries, video: Video) -> list[tuple[object, ...]]:
    """By what a video is recognized, the surest first."""
    source = (queries.path.parent / video.source).resolve()
    return [(video.video_id, video.name), (video.video_id, source), (source,), (video.name,)]


def _is_alike(ours: VideoState, theirs: VideoState) -> bool:
    """Whether nothing differs, whatever was done on the way: then nobody need know how it was before."""
    return ours.cells == theirs.cells and ours.facts == theirs.facts


def _shape(video: Video) -> tuple[int, int, int]:
    return video.frame_count, video.height, video.width


def _frame(change: CellChange) -> int:
    thing = change.outcome.thing
    value = thing.ours or thing.theirs
    assert value is not None
    return value.cell.frame_index


def _notes(ancestor: Ancestor) -> list[str]:
    if ancestor.is_known:
        return []
    return [
        "The projects have no history in common, so there is no telling who changed what:"
        " where only one side has touched or confirmed something, that side has it."
    ]
