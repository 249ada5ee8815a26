"""Many masks of a project at once, by id."""

from collections.abc import Sequence

from app.document.queries import Queries
from visolo.rle import Rle

_MASKS_AT_ONCE = 5000


def read_masks(queries: Queries, mask_ids: Sequence[int]) -> dict[int, Rle]:
    """Masks of the project by id."""
    found: dict[int, Rle] = {}
    for first in range(0, len(mask_ids), _MASKS_AT_ONCE):
        marks = ",".join(map(str, mask_ids[first : first + _MASKS_AT_ONCE]))
        sql = f"SELECT mask_id, height, width, counts FROM masks WHERE mask_id IN ({marks})"
        found |= {mask_id: Rle((height, width), counts) for mask_id, height, width, counts in queries.rows(sql)}
    return found
