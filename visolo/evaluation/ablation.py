"""The rows of the paper's ablations: which parts of tracking are on (Table 3), which frames are remembered (Table 4).

The network is the same in all rows; the paper does not say whether it trained one for each.
"""

from dataclasses import dataclass, replace

from visolo.config import InferenceConfig, MemoryRule


@dataclass(frozen=True)
class AblationRow:
    """One way to track.

    Attributes:
        score_reweighting: paper 4.3 (SR).
        temporal_category: aggregation for the category branch, paper 4.2 (TA).
        temporal_mask: aggregation for the kernel of the mask branch.
        memory: frames to read.
    """

    score_reweighting: bool = True
    temporal_category: bool = True
    temporal_mask: bool = True
    memory: MemoryRule = "every-5"

    @property
    def name(self) -> str:
        """Unique among the rows, fit for a file name."""
        parts = {"sr": self.score_reweighting, "ta-category": self.temporal_category, "ta-mask": self.temporal_mask}
        return "_".join([*(name for name, is_on in parts.items() if is_on), self.memory])

    def rules(self, base: InferenceConfig) -> InferenceConfig:
        """The rules of this row; whatever it does not name stays as in `base`."""
        return replace(
            base,
            score_reweighting=self.score_reweighting,
            temporal_category=self.temporal_category,
            temporal_mask=self.temporal_mask,
            memory=self.memory,
        )


TABLE_3 = (
    AblationRow(False, False, False),
    AblationRow(True, False, False),
    AblationRow(False, True, False),
    AblationRow(True, True, False),
    AblationRow(True, True, True),
)
TABLE_4 = tuple(AblationRow(memory=rule) for rule in ("last-2", "last-10", "last-20", "every-5"))


@dataclass(frozen=True)
class AblationScores:
    """What one way to track reached: ratios in [0, 1] (-1 where nothing is annotated), and frames per second.

    The speed is of the network and the rules around it, without reading frames.
    """

    AP: float
    AP50: float
    AP75: float
    AR1: float
    AR10: float
    IDF1: float
    FPS: float
