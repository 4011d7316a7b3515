"""Every take ever made: rows in a database, a folder of masters for each, both changed together or not at all."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from nur_studio.core.errors import FileProblem, StudioError, TrackNotFound
from nur_studio.core.mix import Mix
from nur_studio.core.names import one_line
from nur_studio.core.track import Status, Track, is_track_id
from nur_studio.library.database import Database
from nur_studio.library.owners import self_owner
from nur_studio.library.rows import COLUMNS, fold, found_by, from_row, mix_text, recipe_text, storable, to_row
from nur_studio.library.schema import MIGRATIONS
from nur_studio.library.settling import children, exchange, settle, workspace_name

DATABASE_NAME = "library.sqlite3"

Tracks = list[Track]
Names = list[str]


class Library:
    """The takes below `directory`, which is made where it is missing.

    Any number of threads and processes may work on one directory. Opening it settles what a process that is gone left
    behind: its unfinished tracks are failed with the reason, its half-written folders removed. Finished masters are
    never removed but by `purge`.
    Every method that takes an id raises `TrackNotFound`, every one that writes `FileProblem`.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        try:
            self._tracks.mkdir(parents=True, exist_ok=True)
            self._staging.mkdir(exist_ok=True)
        except OSError as error:
            raise FileProblem(
                f"The library's folder {directory} cannot be made: {error.strerror or error}.",
                hint="NUR_STUDIO_HOME names another place for everything.",
            ) from error
        self._database = Database(directory / DATABASE_NAME, MIGRATIONS)
        try:
            self.settle()
        except BaseException:
            self._database.close()
            raise

    def settle(self) -> None:
        """Put in order what a process that is gone left behind, as opening does: for who waits for another's take."""
        settle(self._database, self._staging, self._tracks)

    def close(self) -> None:
        """Let go of the database. Nothing else works afterwards."""
        self._database.close()

    # -- a take on its way ---------------------------------------------------------------------------------------

    def add(self, *tracks: Track) -> None:
        """Take new tracks in, all or none; this process answers for them until they are finished."""
        owner = self_owner()
        columns = ", ".join((*COLUMNS, "owner_pid", "owner_started"))
        marks = ", ".join("?" * (len(COLUMNS) + 2))
        with self._database.transaction() as connection:
            for track in tracks:
                row = to_row(track)
                values = [*(row[name] for name in COLUMNS), owner.pid, owner.started]
                connection.execute(f"INSERT INTO tracks ({columns}) VALUES ({marks})", values)

    def processing(self, track_id: str) -> Track:
        """The take is being made now, by this process."""
        owner = self_owner()
        return self._set(
            track_id, {"status": "processing", "owner_pid": owner.pid, "owner_started": owner.started}, only_open=True
        )

    def staging(self, track_id: str) -> Path:
        """An empty folder for the files of a take on its way, on the file system of the library."""
        self.get(track_id)
        folder = self._staging / track_id
        try:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        except OSError as error:
            raise FileProblem(f"The folder {folder} cannot be made: {error.strerror or error}.") from error
        return folder

    def complete(self, track_id: str, staging: Path, **facts: Any) -> Track:
        """Finish a take: `staging` becomes its folder and `facts` (fields of `Track`) its row, together."""
        folder = self.folder(track_id)
        with self._database.transaction():
            before = self._get_open(track_id)
            after = replace(before, status=Status.COMPLETED, error="", folder=folder, **facts)
            self._set(track_id, {name: value for name, value in to_row(after).items() if name != "id"})
            shutil.rmtree(folder, ignore_errors=True)
            try:
                staging.replace(folder)
            except OSError as error:
                raise FileProblem(f"The finished take cannot be moved to {folder}: {error.strerror}.") from error
            # Committed on leaving. A process that dies here leaves a folder whose row says "processing":
            # the next to open the library removes it.
        return after

    @contextmanager
    def workspace(self, track_id: str) -> Iterator[Path]:
        """An empty folder for what is made of a finished take, on the file system of the library; removed on leaving,
        or by the next to open the library where this process dies.
        """
        self.get(track_id)
        folder = self._staging / workspace_name(track_id)
        try:
            folder.mkdir()
        except OSError as error:
            raise FileProblem(f"The folder {folder} cannot be made: {error.strerror or error}.") from error
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def replace_stems(self, track_id: str, workspace: Path, lanes: Sequence[str], recipe: Mapping[str, Any]) -> Track:
        """Give a finished take the `stems/` and `peaks.npz` of `workspace` for its own, and a `recipe` that says so."""
        with self._database.transaction():
            if self.get(track_id).status is not Status.COMPLETED:
                raise StudioError("Only a finished track can have stems.")
            changes = {"lanes": " ".join(lanes), "recipe": recipe_text(recipe), "mix": mix_text(Mix())}
            track = self._set(track_id, changes)
            exchange(workspace, track.folder, ("stems", "peaks.npz"))
        return track

    def replace_masters(self, track_id: str, workspace: Path, **facts: Any) -> Track:
        """Give a finished take the masters of `workspace` for its own, and a row with these `facts` (fields of
        `Track`): stems that are not there are those of another sound, and go.
        """
        with self._database.transaction():
            before = self.get(track_id)
            if before.status is not Status.COMPLETED:
                raise StudioError("Only a finished track can be handed over anew.")
            after = replace(before, mix=Mix(), **facts)
            self._set(track_id, {name: value for name, value in to_row(after).items() if name != "id"})
            exchange(workspace, after.folder, ("mix.flac", "peaks.npz", "waveform.json"), others=("stems",))
        return after

    def set_recipe(self, track_id: str, recipe: Mapping[str, Any]) -> Track:
        """Something else is to be told of how a take was made."""
        return self._set(track_id, {"recipe": recipe_text(recipe)})

    def fail(self, track_id: str, reason: str) -> Track:
        """The take could not be made; its row stays, with the reason, its files go."""
        with self._database.transaction():
            self._get_open(track_id)
            track = self._set(track_id, {"status": "failed", "error": reason})
        self._remove_files(track_id)
        return track

    def discard(self, track_id: str) -> None:
        """A cancelled take leaves nothing: no row, no files. One that is finished stays; an unknown one is no fault."""
        if not is_track_id(track_id):
            raise TrackNotFound(track_id)
        with self._database.transaction() as connection:
            gone = connection.execute(
                "DELETE FROM tracks WHERE id = ? AND status IN ('pending', 'processing')", (track_id,)
            ).rowcount
        if gone:
            self._remove_files(track_id)

    # -- finding -------------------------------------------------------------------------------------------------

    def get(self, track_id: str) -> Track:
        """The track of this id, unless it is deleted."""
        if not is_track_id(track_id):  # half characters, say, which no database takes
            raise TrackNotFound(track_id)
        rows = self._database.query("SELECT * FROM tracks WHERE id = ? AND deleted_at IS NULL", (track_id,))
        if not rows:
            raise TrackNotFound(track_id)
        return from_row(rows[0], self.folder(track_id))

    def list(
        self,
        text: str = "",
        *,
        starred: bool = False,
        genre: str = "",
        engine: str = "",
        group: str = "",
        limit: int = 500,
        offset: int = 0,
        after: str = "",
    ) -> Tracks:
        """Tracks, newest first, takes of one request in their order.

        `text`: every word of it occurs in title, prompt, genre, key, engine, tempo or id, whatever case and accents.
        `after`: only what follows the track of this id, deleted lately or not: pages hold whatever comes meanwhile.
        """
        where, values = ["deleted_at IS NULL"], []
        for word in fold(text).split():
            where.append("instr(found_by, ?) > 0")
            values.append(word)
        if starred:
            where.append("starred = 1")
        for column, wanted in (("genre", genre), ("engine", engine), ("group_id", group)):
            if wanted:
                where.append(f"{column} = ?")
                values.append(storable(wanted))
        if after:
            place = self._database.query("SELECT created_at, take FROM tracks WHERE id = ?", (storable(after),))
            if not place:
                raise TrackNotFound(after)
            where.append("(created_at < ? OR (created_at = ? AND (take, id) > (?, ?)))")
            values += [place[0]["created_at"], place[0]["created_at"], place[0]["take"], after]
        rows = self._database.query(
            f"SELECT * FROM tracks WHERE {' AND '.join(where)} ORDER BY created_at DESC, take, id LIMIT ? OFFSET ?",
            [*values, limit, offset],
        )
        return [from_row(row, self.folder(row["id"])) for row in rows]

    def count(self) -> int:
        """How many tracks there are, deleted ones apart."""
        return int(self._database.query("SELECT count(*) FROM tracks WHERE deleted_at IS NULL")[0][0])

    def genres(self) -> Names:
        """The genres in use, in order."""
        return self._names("genre")

    def engines(self) -> Names:
        """The engines in use, in order."""
        return self._names("engine")

    def change_count(self) -> int:
        """A number that is another one after any process has changed the library: cheap enough for a timer."""
        return self._database.change_count()

    def fault(self) -> str:
        """What is wrong with the database, in its own words; "" where it is whole."""
        try:
            answer = str(self._database.query("PRAGMA quick_check(1)")[0][0])
        except FileProblem as error:
            return str(error)
        return "" if answer == "ok" else answer

    def without_rows(self) -> Names:
        """The folders of finished music that the database knows nothing of."""
        known = {row["id"] for row in self._database.query("SELECT id FROM tracks")}
        return sorted(f.name for f in children(self._tracks) if is_track_id(f.name) and f.name not in known)

    def without_files(self) -> Names:
        """The finished tracks whose folder is gone."""
        rows = self._database.query("SELECT id FROM tracks WHERE status = 'completed' AND deleted_at IS NULL")
        return [str(row["id"]) for row in rows if not self.folder(row["id"]).is_dir()]

    def folder(self, track_id: str) -> Path:
        """Where a finished track's masters are."""
        if not is_track_id(track_id):  # never let anything else become part of a path
            raise TrackNotFound(track_id)
        return self._tracks / track_id

    # -- a person's changes --------------------------------------------------------------------------------------

    def rename(self, track_id: str, title: str) -> Track:
        """Give a track another title. Raises `StudioError` for one without a visible character."""
        title = one_line(title)
        if not title:
            raise StudioError("A title needs at least one character.")
        with self._database.transaction():
            track = replace(self.get(track_id), title=title[:200])
            return self._set(track_id, {"title": track.title, "found_by": found_by(track)})

    def star(self, track_id: str, on: bool) -> Track:
        """Mark a track as a favourite, or no longer."""
        return self._set(track_id, {"starred": int(on)})

    def set_mix(self, track_id: str, mix: Mix) -> Track:
        """Remember how the stems of a track are mixed."""
        return self._set(track_id, {"mix": mix_text(mix)})

    def delete(self, track_id: str) -> None:
        """Take a track out of sight. `restore` brings it back, `purge` removes it for good."""
        self._set(track_id, {"deleted_at": time.time()})

    def restore(self, track_id: str) -> Track:
        """Undo `delete`."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE tracks SET deleted_at = NULL WHERE id = ?", (track_id,))
            return self.get(track_id)

    def purge(self, older_than_s: float = 0.0) -> Names:
        """Remove for good what was deleted longer than `older_than_s` ago, files included; their ids."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT id FROM tracks WHERE deleted_at <= ? AND status NOT IN ('pending', 'processing')",
                (time.time() - older_than_s,),
            ).fetchall()
            ids = [str(row["id"]) for row in rows]
            for track_id in ids:  # files first: whoever dies here leaves rows, and the next purge goes on
                self._remove_files(track_id)
            connection.executemany("DELETE FROM tracks WHERE id = ?", [(track_id,) for track_id in ids])
        return ids

    # -- within --------------------------------------------------------------------------------------------------

    @property
    def _tracks(self) -> Path:
        return self.directory / "tracks"

    @property
    def _staging(self) -> Path:
        return self.directory / "staging"

    def _names(self, column: str) -> Names:
        rows = self._database.query(
            f"SELECT DISTINCT {column} FROM tracks WHERE deleted_at IS NULL ORDER BY {column} COLLATE NOCASE"
        )
        return [str(row[0]) for row in rows]

    def _get_open(self, track_id: str) -> Track:
        """An unfinished track, deleted from sight or not."""
        rows = self._database.query(
            "SELECT * FROM tracks WHERE id = ? AND status IN ('pending', 'processing')", (track_id,)
        )
        if not rows:
            raise TrackNotFound(track_id)
        return from_row(rows[0], self.folder(track_id))

    def _set(self, track_id: str, values: dict[str, Any], *, only_open: bool = False) -> Track:
        assignments = ", ".join(f"{column} = ?" for column in values)
        condition = " AND status IN ('pending', 'processing')" if only_open else ""
        with self._database.transaction() as connection:
            changed = connection.execute(
                f"UPDATE tracks SET {assignments} WHERE id = ?{condition}", [*values.values(), track_id]
            ).rowcount
            if not changed:
                raise TrackNotFound(track_id)
            row = connection.execute("SELECT * FROM tracks WHERE id = ?", (track_id,)).fetchone()
        return from_row(row, self.folder(track_id))

    def _remove_files(self, track_id: str) -> None:
        for folder in (self._staging / track_id, self.folder(track_id)):
            shutil.rmtree(folder, ignore_errors=True)
