"""Tables of a project file and how older files become current ones.

`cells` holds identity and is all that edits move about: one narrow row for each instance, clustered by track, so that a
lane is one short scan, a swap touches few pages, and no track can be twice in a frame. What is heavy and never changes
lies apart and is only referred to: masks, and what a run computed for each frame.
"""

import sqlite3
from collections.abc import Callable

APPLICATION_ID = 0x5649534F  # "VISO"

_VERSION_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE videos (
    video_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    frame_count INTEGER NOT NULL CHECK (frame_count >= 0),
    height INTEGER NOT NULL CHECK (height > 0),
    width INTEGER NOT NULL CHECK (width > 0),
    frame_rate REAL,
    pixel_aspect REAL NOT NULL,
    removed INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE categories (category_id INTEGER PRIMARY KEY, name TEXT NOT NULL);

CREATE TABLE tracks (
    video_id INTEGER NOT NULL REFERENCES videos DEFERRABLE INITIALLY DEFERRED,
    track_id INTEGER NOT NULL CHECK (track_id > 0),
    category_id INTEGER NOT NULL REFERENCES categories DEFERRABLE INITIALLY DEFERRED,
    category_set INTEGER NOT NULL,
    locked INTEGER NOT NULL,
    PRIMARY KEY (video_id, track_id)
) WITHOUT ROWID;

-- Highest track id ever given out: ids of undone or deleted tracks never come back as another object.
CREATE TABLE track_counters (video_id INTEGER PRIMARY KEY, last_track_id INTEGER NOT NULL);

-- "The object is not here", said by a person; last_frame NULL is to the end of the video.
CREATE TABLE absences (
    video_id INTEGER NOT NULL,
    track_id INTEGER NOT NULL,
    first_frame INTEGER NOT NULL,
    last_frame INTEGER,
    PRIMARY KEY (video_id, track_id, first_frame)
) WITHOUT ROWID;

-- Never changed: an edited mask is a new one. Gone with the entry that made it, when that can't be redone any more.
CREATE TABLE masks (
    mask_id INTEGER PRIMARY KEY AUTOINCREMENT,
    entry_id INTEGER NOT NULL REFERENCES history ON DELETE CASCADE,
    height INTEGER NOT NULL,
    width INTEGER NOT NULL,
    counts TEXT NOT NULL,
    area INTEGER NOT NULL,
    box_x INTEGER NOT NULL,
    box_y INTEGER NOT NULL,
    box_width INTEGER NOT NULL,
    box_height INTEGER NOT NULL
);
CREATE INDEX masks_by_entry ON masks (entry_id);

CREATE TABLE cells (
    video_id INTEGER NOT NULL,
    track_id INTEGER NOT NULL,
    frame_index INTEGER NOT NULL CHECK (frame_index >= 0),
    instance_id INTEGER NOT NULL,
    mask_id INTEGER NOT NULL,
    score REAL NOT NULL,
    origin INTEGER NOT NULL,
    edited INTEGER NOT NULL,
    run_id INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    PRIMARY KEY (video_id, track_id, frame_index),
    FOREIGN KEY (video_id, track_id) REFERENCES tracks DEFERRABLE INITIALLY DEFERRED
) WITHOUT ROWID;
CREATE INDEX cells_by_frame ON cells (video_id, frame_index);

CREATE TABLE runs (
    run_id INTEGER PRIMARY KEY AUTOINCREMENT,
    video_id INTEGER NOT NULL,
    entry_id INTEGER NOT NULL REFERENCES history ON DELETE CASCADE,
    first_frame INTEGER NOT NULL,
    head INTEGER NOT NULL,
    state TEXT NOT NULL,
    settings TEXT NOT NULL,
    label_set TEXT NOT NULL,
    category_ids TEXT NOT NULL,
    set_aside INTEGER NOT NULL DEFAULT 0
);

-- One row for each frame of a run, arrays over its n detections; cells.slot is the position in them.
CREATE TABLE run_frames (
    run_frame_id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    frame_index INTEGER NOT NULL,
    run_tracks BLOB NOT NULL,
    mask_ids BLOB NOT NULL,
    scores BLOB NOT NULL,
    cell_indices BLOB NOT NULL,
    class_scores BLOB NOT NULL,
    UNIQUE (run_id, frame_index)
);

-- q and r of the same detections: wide, read by association only, hence apart.
CREATE TABLE run_embeddings (
    run_frame_id INTEGER PRIMARY KEY REFERENCES run_frames ON DELETE CASCADE,
    queries BLOB NOT NULL,
    "references" BLOB NOT NULL
);

CREATE TABLE history (
    entry_id INTEGER PRIMARY KEY AUTOINCREMENT,
    text TEXT NOT NULL,
    author TEXT NOT NULL,
    created REAL NOT NULL,
    video_id INTEGER,
    edit TEXT NOT NULL,
    covered INTEGER,
    undone INTEGER NOT NULL DEFAULT 0
);

-- Every edit asks for the few undone entries; without this it would read the whole history.
CREATE INDEX history_undone ON history (entry_id) WHERE undone;

-- Row images of an entry, in the order in which they were made.
CREATE TABLE history_parts (
    part_id INTEGER PRIMARY KEY,
    entry_id INTEGER NOT NULL REFERENCES history ON DELETE CASCADE,
    images BLOB NOT NULL
);
CREATE INDEX history_parts_by_entry ON history_parts (entry_id);

CREATE TABLE view_state (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


_VERSION_2 = """
-- What a person has reviewed; track_id 0 stands for whole frames: every track, and that none is missing. Ranges of one
-- track neither overlap nor touch.
CREATE TABLE confirmed (
    video_id INTEGER NOT NULL,
    track_id INTEGER NOT NULL,
    first_frame INTEGER NOT NULL,
    last_frame INTEGER NOT NULL,
    PRIMARY KEY (video_id, track_id, first_frame)
) WITHOUT ROWID;

-- Suspicions that a person has looked at and found nothing wrong with, by a text that names them.
CREATE TABLE dismissals (
    video_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    created REAL NOT NULL,
    PRIMARY KEY (video_id, key)
) WITHOUT ROWID;

-- What a run chose its detections from, so that other thresholds can be tried without the network.
CREATE TABLE run_candidates (
    run_frame_id INTEGER PRIMARY KEY REFERENCES run_frames ON DELETE CASCADE,
    candidates BLOB NOT NULL
);
"""


_VERSION_3 = """
-- Videos that are of no use, with why: they are kept, but neither run over nor exported.
CREATE TABLE rejections (video_id INTEGER PRIMARY KEY, reason TEXT NOT NULL);
"""


_VERSION_4 = """
-- What people note on a frame, or with x and y (in px) at a place of it; resolved ones are kept.
CREATE TABLE notes (
    video_id INTEGER NOT NULL,
    note_id INTEGER NOT NULL,
    frame_index INTEGER NOT NULL CHECK (frame_index >= 0),
    x REAL,
    y REAL,
    text TEXT NOT NULL,
    author TEXT NOT NULL,
    created REAL NOT NULL,
    resolved INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (video_id, note_id)
) WITHOUT ROWID;
CREATE INDEX notes_by_frame ON notes (video_id, frame_index);

-- How a class is drawn ("#rrggbb", NULL: by its id) and what else it is called (a JSON list of names). A class that
-- runs still refer to after it was joined with another stays, hidden: what is said of it is said of `joined_with`.
CREATE TABLE category_details (
    category_id INTEGER PRIMARY KEY,
    color TEXT,
    synonyms TEXT NOT NULL,
    joined_with INTEGER
);
"""


def _create_version_1(connection: sqlite3.Connection) -> None:
    _execute_all(connection, _VERSION_1)


def _add_review(connection: sqlite3.Connection) -> None:
    _execute_all(connection, _VERSION_2)


def _add_rejections(connection: sqlite3.Connection) -> None:
    _execute_all(connection, _VERSION_3)


def _add_notes_and_details(connection: sqlite3.Connection) -> None:
    _execute_all(connection, _VERSION_4)


def _execute_all(connection: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";\n"):
        if statement.strip():
            connection.execute(statement)


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _create_version_1,
    _add_review,
    _add_rejections,
    _add_notes_and_details,
)
"""Step i makes a file of version i one of version i + 1; never change a released step, add the next."""


def version() -> int:
    """Version of the files that this program writes."""
    return len(MIGRATIONS)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring an open file to the current version, in one transaction.

    Args:
        connection: in autocommit mode, not inside a transaction.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        (current,) = connection.execute("PRAGMA user_version").fetchone()
        for step in MIGRATIONS[current:]:
            step(connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {version()}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
