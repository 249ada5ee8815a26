"""`dataset validate`: every broken rule of a dataset or results file with its place, and a mended copy."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from visolo.commands.console import progress, say, say_json
from visolo.commands.dataset_files import FROM_HELP, counts_of, read_with_notes, source_names
from visolo.commands.outputs import check_output
from visolo.errors import AnnotationError, ConfigError
from visolo.formats.json_formats import json_format
from visolo.formats.names import FORMAT_NAMES
from visolo.io.validation.dataset import CheckedDataset, check_dataset, check_results, fix_dataset
from visolo.io.validation.images import check_images
from visolo.io.validation.report import RULES, Report
from visolo.io.ytvis_text import JsonText
from visolo.words import counted

_DESCRIPTION = """Check a dataset or results file completely. Exit code 0: nothing wrong, though perhaps something odd
(warnings); 2: at least one error. --fix mends what needs no guess, in a new file, and says what it did: boxes and areas
that do not fit the masks, masks without pixels, ids given twice, tracks that stand in the file twice, and the like.
Other formats are recognised by their content, or named with --from, and read completely, to the first mistake."""


def add_parser(actions: Any, shared: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's type is private
    """Add the action and its options."""
    parser = actions.add_parser(
        "validate", parents=[shared], help="check a dataset or results file completely", description=_DESCRIPTION
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="a dataset in any format, or results")
    parser.add_argument("--from", dest="source_format", choices=source_names(), metavar="FORMAT", help=FROM_HELP)
    parser.add_argument("--results", metavar="R.json", type=Path, help="also check predictions for this dataset")
    parser.add_argument("--images", metavar="DIR", type=Path, help="folder that file names start from")
    parser.add_argument("--no-images", action="store_true", help="do not look for the images")
    parser.add_argument("--fix", metavar="OUT.json", type=Path, help="write the dataset mended as far as is clear")
    parser.add_argument("--strict", action="store_true", help="count warnings as errors")
    parser.add_argument("--limit", metavar="N", type=int, default=5, help="examples shown per rule (default: 5)")
    parser.add_argument("--json", action="store_true", help="print one JSON object with all problems")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Check, tell, mend.

    Raises:
        AnnotationError: something is wrong; what, was said before.
    """
    if args.limit < 0:
        raise ConfigError(f"--limit is {args.limit}; it must be 0 or more")
    name = _other_format(args)
    if name is not None:
        _validate_by_reading(args, name)
        return
    if args.fix is not None:
        check_output(args.fix)
    limit = None if args.json else args.limit
    reports = _check_all(args, limit)
    if args.json:
        say_json([_table(path, report, summary) for path, report, summary in reports])
    else:
        for path, report, summary in reports:
            _tell(path, report, summary)
    wrong = [(path, _failures(report, args.strict)) for path, report, _ in reports]
    if args.fix is not None:
        wrong[0] = (args.fix, _fix(args, reports[0][1]))
    bad = [f"{path} has {counted(count, 'error')}" for path, count in wrong if count]
    if bad:
        raise AnnotationError(" and ".join(bad) + ("; see above" if not args.json else ""))


def _other_format(args: argparse.Namespace) -> str | None:
    """The name of the format of what is no YouTube-VIS file; None for these, and for JSON of no known format."""
    name = args.source_format
    if name is None and args.file.suffix.lower() == ".json" and not args.file.is_dir():
        name = json_format(args.file)
    elif name is None:
        from visolo.formats.catalogue import recognized

        name = recognized(args.file)
    return None if name in ("ytvis", "results") else str(name)


def _validate_by_reading(args: argparse.Namespace, name: str) -> None:
    """Read a dataset in another format completely: what is wrong ends it, as an error."""
    for option, value in (("--results", args.results), ("--fix", args.fix)):
        if value is not None:
            title = FORMAT_NAMES[name].title
            raise ConfigError(f"{args.file}: is {title}; {option} is for YouTube-VIS files, so convert this first")
    imported = read_with_notes(args.file, name, args.images)
    counts = counts_of(imported.dataset)
    summary = (
        f"{FORMAT_NAMES[name].title}, {counted(counts['videos'], 'video')}, {counted(counts['frames'], 'frame')}, "
        f"{counted(counts['tracks'], 'track')}, {counted(counts['masks'], 'mask')}"
    )
    if args.json:
        table = {"file": str(args.file), "summary": summary, "errors": 0, "warnings": 0, "problems": []}
        say_json([table | {"notes": list(imported.all_notes)}])
    else:
        say(f"{args.file}: valid {summary}")


def _check_all(args: argparse.Namespace, limit: int | None) -> list[tuple[Path, Report, str]]:
    """The report on each file, with what the file holds."""
    report = Report(limit)
    if JsonText(args.file).starts_with("["):
        if args.results is not None or args.fix is not None:
            option = "--results" if args.results is not None else "--fix"
            raise ConfigError(f"{args.file}: is a results file; {option} goes with a dataset, name that first")
        return [(args.file, report, _results_summary(args.file, report, None))]
    with _bar("annotations", None) as done:
        checked = check_dataset(args.file, report, done)
    args.first_free_id = checked.first_free_id
    if not args.no_images:
        _look_for_images(args, checked, report)
    reports = [(args.file, report, _summary(checked))]
    if args.results is not None:
        results_report = Report(limit)
        summary = _results_summary(args.results, results_report, checked)
        reports.append((args.results, results_report, summary))
    return reports


def _look_for_images(args: argparse.Namespace, checked: CheckedDataset, report: Report) -> None:
    from visolo.io.dataset_images import image_roots

    total = sum(len(video.file_names) for video in checked.videos)
    with _bar("images", total) as done:
        check_images(checked.videos, image_roots(args.file, args.images), report, done)


def _results_summary(path: Path, report: Report, dataset: CheckedDataset | None) -> str:
    with _bar("predictions", None) as done:
        count = check_results(path, report, dataset, done)
    return f"results, {counted(count, 'prediction')}"


def _summary(checked: CheckedDataset) -> str:
    frames = sum(video.length for video in checked.videos)
    return (
        f"dataset, {counted(len(checked.videos), 'video')}, {counted(frames, 'frame')}, "
        f"{counted(checked.annotation_count, 'track')}, {counted(checked.mask_count, 'mask')}"
    )


@contextmanager
def _bar(unit: str, total: int | None) -> Iterator[Callable[[int], object]]:
    with progress(total, unit) as bar:
        yield bar.update


def _failures(report: Report, is_strict: bool) -> int:
    return report.count("error") + (report.count("warning") if is_strict else 0)


def _tell(path: Path, report: Report, summary: str) -> None:
    for count in report.counts():
        examples = report.problems(count.rule)
        fix = f"; --fix mends {count.fixable}" if count.fixable else ""
        say(f"{count.severity}: {count.rule}: {count.total} times not so: {RULES[count.rule].meaning}{fix}")
        for problem in examples:
            say(f"  {problem.text}")
        if len(examples) < count.total:
            say(f"  ... and {count.total - len(examples)} more")
    errors, warnings = report.count("error"), report.count("warning")
    if not errors:
        odd = f"; {counted(warnings, 'warning')}" if warnings else ""
        say(f"{path}: valid {summary}{odd}")
    else:
        say(f"{path}: not valid, {counted(errors, 'error')}, {counted(warnings, 'warning')}: {summary}")


def _fix(args: argparse.Namespace, report: Report) -> int:
    """Write the mended dataset; gives the number of errors left in it."""
    with _bar("annotations", None) as done:
        left = fix_dataset(args.file, args.fix, args.first_free_id, done)
    if not args.json:
        fixes = list(report.fixes())
        for fix, count in fixes:
            say(f"{args.fix}: {fix} ({count})")
        if not fixes:
            say(f"{args.fix}: nothing could be mended without a guess; the file is as it was")
        for left_count in left.counts():
            say(f"{args.fix}: left to mend by hand: {left_count.rule} ({left_count.total})")
    images = sum(c.total for c in report.counts() if c.rule in {"image-missing", "image-size"})
    return _failures(left, args.strict) + images


def _table(path: Path, report: Report, summary: str) -> dict[str, object]:
    return {
        "file": str(path),
        "summary": summary,
        "errors": report.count("error"),
        "warnings": report.count("warning"),
        "problems": [
            {"rule": p.rule, "severity": count.severity, "place": p.place, "text": p.text, "fix": p.fix}
            for count in report.counts()
            for p in report.problems(count.rule)
        ],
    }
