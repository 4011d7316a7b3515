"""The library's tables. A migration, once released, is never edited: the next one is added below it."""

MIGRATIONS = (
    """
    CREATE TABLE tracks (
        id TEXT PRIMARY KEY,
        status TEXT NOT NULL CHECK (status IN ('pending', 'processing', 'completed', 'failed')),
        title TEXT NOT NULL,
        prompt TEXT NOT NULL,
        genre TEXT NOT NULL,
        tempo INTEGER NOT NULL,
        duration_s REAL NOT NULL,
        output_format TEXT NOT NULL,
        engine TEXT NOT NULL,
        seed INTEGER NOT NULL,
        created_at TEXT NOT NULL,
        group_id TEXT NOT NULL,
        take INTEGER NOT NULL,
        model TEXT NOT NULL,
        licence TEXT NOT NULL,
        key TEXT NOT NULL,
        beats_per_bar INTEGER NOT NULL,
        beat_offset_s REAL NOT NULL,
        sections TEXT NOT NULL,
        sample_rate INTEGER NOT NULL,
        frames INTEGER NOT NULL,
        tempo_asked INTEGER,
        tempo_measured REAL,
        loudness_lufs REAL,
        true_peak_dbtp REAL,
        starred INTEGER NOT NULL,
        error TEXT NOT NULL,
        recipe TEXT NOT NULL,
        found_by TEXT NOT NULL,
        deleted_at REAL,
        owner_pid INTEGER NOT NULL,
        owner_started REAL NOT NULL
    );
    CREATE INDEX tracks_by_age ON tracks (created_at DESC, take, id);
    CREATE INDEX tracks_by_group ON tracks (group_id);
    CREATE INDEX tracks_by_status ON tracks (status)
    """,
    # Which stems there are, and how they were mixed last. Until here only Sketch made any, and always all four.
    """
    ALTER TABLE tracks ADD COLUMN lanes TEXT NOT NULL DEFAULT '';
    ALTER TABLE tracks ADD COLUMN mix TEXT NOT NULL DEFAULT '{}';
    UPDATE tracks SET lanes = 'drums bass vocals other' WHERE status = 'completed' AND engine = 'sketch'
    """,
)
