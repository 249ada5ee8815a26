"""The thresholds by which the tracks of a run came about: its own, or those that were tried later and taken."""

import json
from dataclasses import dataclass, replace
from typing import Any

from app.document.queries import Queries
from app.document.records import Run
from visolo.config import InferenceConfig, config_from_table

_REPLAYED = '{"edit": "TakeThresholds", "replay": '


@dataclass(frozen=True)
class Thresholds:
    """See `InferenceConfig`: least score of a cell, least of an instance after NMS, least similarity that links."""

    score: float
    update: float
    link: float

    def __str__(self) -> str:
        return f"score {self.score:g}, update {self.update:g}, link {self.link:g}"

    @staticmethod
    def of(rules: InferenceConfig) -> "Thresholds":
        """Those of a configuration."""
        return Thresholds(rules.score_threshold, rules.update_threshold, rules.link_threshold)

    def on(self, rules: InferenceConfig) -> InferenceConfig:
        """The configuration with these."""
        return replace(rules, score_threshold=self.score, update_threshold=self.update, link_threshold=self.link)


@dataclass(frozen=True)
class Replayed:
    """What the history remembers of thresholds that were taken.

    Attributes:
        kept_out: (run_id, frame_index, slot) of detections that these thresholds would show and a person, or what a
            person made, has put away: they do not come back with other thresholds either.
    """

    thresholds: Thresholds
    kept_out: tuple[tuple[int, int, int], ...] = ()

    def to_value(self) -> dict[str, Any]:
        """As JSON value."""
        values = self.thresholds
        return {"score": values.score, "update": values.update, "link": values.link, "kept_out": self.kept_out}

    @staticmethod
    def from_value(value: dict[str, Any]) -> "Replayed":
        """From `to_value`."""
        kept_out = tuple((run_id, frame_index, slot) for run_id, frame_index, slot in value["kept_out"])
        return Replayed(Thresholds(value["score"], value["update"], value["link"]), kept_out)


def run_rules(run: Run) -> InferenceConfig:
    """The rules by which a run was made."""
    table: Any = run.settings.get("inference") or {}
    return config_from_table(InferenceConfig(), table, f"run {run.run_id}")


def replayed(queries: Queries, run: Run) -> Replayed:
    """The thresholds in effect for what a run found, and what is kept out."""
    rows = queries.rows(
        "SELECT edit FROM history WHERE video_id = ? AND NOT undone AND substr(edit, 1, ?) = ?"
        " AND entry_id > (SELECT entry_id FROM runs WHERE run_id = ?) ORDER BY entry_id DESC LIMIT 1",
        run.video_id,
        len(_REPLAYED),
        _REPLAYED,
        run.run_id,
    )
    return Replayed.from_value(json.loads(rows[0][0])["replay"]) if rows else Replayed(Thresholds.of(run_rules(run)))


def rules_in_effect(queries: Queries, run: Run) -> InferenceConfig:
    """The rules by which the tracks of a run are what they are."""
    return replayed(queries, run).thresholds.on(run_rules(run))
