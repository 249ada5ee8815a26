"""The statistics of a project as one HTML page that needs nothing else: numbers, plots, tables."""

import time
from collections.abc import Iterator, Sequence
from html import escape
from html.parser import HTMLParser
from pathlib import Path

from app.document.confirmation import accepted_videos
from app.document.effort import TIME_RULE, Effort
from app.document.export import Progress
from app.document.queries import Queries, snapshot
from app.document.statistics import Statistics, VideoStatistics, collect_statistics
from app.document.statistics_plots import draw_plots
from visolo.errors import OutputError
from visolo.io.atomic import atomic_path
from visolo.words import counted

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2128; --soft: #59626f; --page: #fff; --card: #f1f3f6; --line: #e2e6eb; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e3e7ec; --soft: #9aa4b1; --page: #16191d; --card: #23282e; --line: #343b44; } }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 1360px; margin: 2rem auto; padding: 0 1.5rem;
  color: var(--ink); background: var(--page); }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .6rem; } p.note { color: var(--soft); }
dl { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1.2rem 0; padding: 0; }
dl div { background: var(--card); border-radius: 8px; padding: .6rem 1rem; }
dt { color: var(--soft); font-size: .85rem; }
dd { margin: 0; font-size: 1.35rem; } figcaption { font-weight: 600; margin-bottom: .3rem; }
.plots { columns: 440px; column-gap: 2rem; } figure { margin: 0 0 1.6rem; break-inside: avoid; }
svg { width: 100%; height: auto; } main { overflow-x: auto; } table { border-collapse: collapse; }
td, th { padding: .25rem .8rem; text-align: right; border-bottom: 1px solid var(--line); }
td:first-child, th:first-child { text-align: left; white-space: nowrap; } th { color: var(--soft); font-weight: 500; }
.words td, .words th { text-align: left; white-space: pre-line; }
@media print { :root { --ink: #000; --page: #fff; --card: #f1f3f6; --line: #ccc; } }
"""


def write_report(document: Queries, target: Path) -> Iterator[Progress]:
    """Write the report; closing the iterator early leaves nothing.

    Args:
        document: the project; only its path is used, so any thread may do the iterating.
        target: the HTML file.

    Yields:
        Progress after every video; the last says what was written.

    Raises:
        OutputError: there is no video, or it cannot be written there.
        ProjectError: the project cannot be read.
    """
    with snapshot(document.path) as queries:
        total = len(accepted_videos(queries)) + 2
        if total == 2:
            raise OutputError("There is no video to count; add one to the project, or take a rejected one back")
        statistics = Statistics()
        for statistics in collect_statistics(queries):
            done = len(statistics.videos)
            yield Progress(done, total, f"Counted {statistics.videos[-1].video.name}")
        yield Progress(total - 1, total, "Drawing the plots")
        plots = draw_plots(statistics)
        with atomic_path(target) as temporary:
            temporary.write_text(_page(document.path.stem, statistics, plots), encoding="utf-8")
            _check(temporary, target, len(plots))
    yield Progress(total, total, f"{target}: {len(plots)} plots of {counted(len(statistics.videos), 'video')}")


def _page(name: str, statistics: Statistics, plots: dict[str, str]) -> str:
    figures = "\n".join(
        f"<figure><figcaption>{escape(title)}</figcaption>{svg}</figure>" for title, svg in plots.items()
    )
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{escape(name)}: statistics</title><style>{_STYLE}</style></head>
<body><h1>{escape(name)}</h1>
<p class="note">Written by VISOLO Review, {time.strftime("%Y-%m-%d %H:%M")}. Minutes are the {TIME_RULE}; edits are
corrections that are not undone.</p>
<dl>{"".join(f"<div><dt>{escape(t)}</dt><dd>{escape(v)}</dd></div>" for t, v in _facts(statistics))}</dl>
<div class="plots">{figures}</div>
<main><h2>Videos</h2>{_table(_VIDEO_HEADS, [_video_cells(one) for one in statistics.videos])}
<h2>Classes</h2>{_table(("class", "tracks", "masks"), _class_rows(statistics))}
{_open_notes(statistics)}{_people(statistics)}</main></body></html>
"""


def _facts(statistics: Statistics) -> list[tuple[str, str]]:
    videos, effort = statistics.videos, statistics.effort
    resolved_count = sum(note.is_resolved for note in statistics.notes)
    open_count = len(statistics.notes) - resolved_count
    return [
        ("videos", str(len(videos))),
        *([("rejected, left out", str(statistics.rejected_count))] if statistics.rejected_count else []),
        ("frames", f"{sum(one.video.frame_count for one in videos):,}"),
        ("tracks", f"{sum(one.tracks for one in videos):,}"),
        ("masks", f"{sum(one.masks for one in videos):,}"),
        ("classes in use", str(sum(one.tracks > 0 for one in statistics.classes))),
        ("frames confirmed", f"{100 * statistics.confirmed_share:.1f} %"),
        ("masks edited", f"{sum(one.edited_masks for one in videos):,}"),
        ("edits", f"{effort.edit_count:,}"),
        *([("open notes", f"{open_count:,}"), ("resolved notes", f"{resolved_count:,}")] if statistics.notes else []),
        ("minutes", f"{effort.seconds / 60:.1f}"),
        ("edits per minute", _rate(effort)),
    ]


_VIDEO_HEADS = (
    "video", "frames", "tracks", "masks", "edited masks", "frames confirmed", "masks confirmed", "edits", "minutes",
    "edits per minute",
)  # fmt: skip


def _video_cells(one: VideoStatistics) -> tuple[str, ...]:
    effort = one.effort
    return (
        one.video.name,
        str(one.video.frame_count),
        str(one.tracks),
        str(one.masks),
        str(one.edited_masks),
        f"{100 * one.confirmed_frames / max(1, one.video.frame_count):.1f} %",
        f"{100 * one.confirmed_masks / max(1, one.masks):.1f} %",
        str(effort.edit_count),
        f"{effort.seconds / 60:.1f}",
        _rate(effort),
    )


def _class_rows(statistics: Statistics) -> list[tuple[str, ...]]:
    ranked = sorted(statistics.classes, key=lambda one: -one.tracks)
    return [(one.name, str(one.tracks), str(one.masks)) for one in ranked if one.tracks]


def _open_notes(statistics: Statistics) -> str:
    """A table of the notes that are not dealt with; nothing where there are none."""
    names = {one.video.video_id: one.video.name for one in statistics.videos}
    rows = [
        (names[note.video_id], str(note.frame_index), note.words, note.author, _day(note.created))
        for note in statistics.notes
        if not note.is_resolved
    ]
    table = _table(("video", "frame", "note", "by", "since"), rows)
    return f'<h2>Open notes</h2><div class="words">{table}</div>\n' if rows else ""


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(seconds))


def _people(statistics: Statistics) -> str:
    """A table of who did how much; nothing where nobody did anything."""
    ranked = sorted(statistics.people.items(), key=lambda one: (-one[1].seconds, one[0]))
    rows = [
        (name or "unknown", str(effort.edit_count), f"{effort.seconds / 60:.1f}", _rate(effort))
        for name, effort in ranked
    ]
    return f"<h2>People</h2>{_table(('person', *_VIDEO_HEADS[-3:]), rows)}\n" if rows else ""


def _rate(effort: Effort) -> str:
    return f"{effort.edits_per_minute:.1f}" if effort.seconds else "–"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"


class _Reader(HTMLParser):
    """Counts the plots of a page, and whether all of it is there."""

    def __init__(self) -> None:
        super().__init__()
        self.plot_count, self.is_whole = 0, False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See `HTMLParser`."""
        del attrs
        self.plot_count += tag == "svg"

    def handle_endtag(self, tag: str) -> None:
        """See `HTMLParser`."""
        self.is_whole = tag == "html"


def _check(path: Path, target: Path, plot_count: int) -> None:
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    if not reader.is_whole or reader.plot_count != plot_count:
        raise OutputError(f"{target}: what was written lacks a part; nothing was changed, try again")
