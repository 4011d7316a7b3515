"""The folder of weights on this machine: what is there, what is missing, verify, remove; import and download beside it.

    models/musicgen-small/{state_dict.bin, compression_state_dict.bin, manifest.json}
    models/t5-base/…      models/encodec_32khz/…
    models/htdemucs/{htdemucs.yaml, 955717e8.safetensors, manifest.json}

A folder has its name only when it is whole: files arrive in `NAME.part` and the folder is renamed. `manifest.json`
keeps each file's size and SHA-256, taken when it was checked on arrival.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from nur_studio.core.errors import FileProblem
from nur_studio.core.progress import Cancel, OnProgress, Progress
from nur_studio.engines.models import ALL_MODELS, CODEC, TEXT_ENCODER, ModelInfo, MusicModel, Part

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"
PARTIAL = ".part"
READ_BYTES = 1 << 20
CHECKPOINT_FILES = ("state_dict.bin", "compression_state_dict.bin")
_WAYS = "“Manage models…” in the window, or `nur-studio models`,"
State = Literal["missing", "partial", "ready"]


@dataclass(frozen=True, slots=True)
class ModelPaths:
    """Where the parts of a MusicGen lie."""

    checkpoint: Path
    text_encoder: Path
    codec: Path


class WeightStore:
    """The weights below one folder. What reads and hashes takes `on_progress` and `cancel`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    # -- what is there -----------------------------------------------------------------------------------------------

    def has(self, part: Part) -> bool:
        """Whether all files of a part are there, in the size they had when they were checked."""
        return self._sound(self.folder / part.name)

    def state(self, model: ModelInfo) -> State:
        """Whether a model is there; "partial" also where a download was begun. Reads no weights."""
        if not self.missing(model):
            return "ready"
        begun = self.has(model.own) or (self.folder / (model.own.name + PARTIAL)).is_dir()
        return "partial" if begun else "missing"

    def missing(self, model: ModelInfo) -> tuple[Part, ...]:
        """The parts of a model that are not there."""
        return tuple(part for part in model.parts if not self.has(part))

    def missing_bytes(self, model: ModelInfo) -> int:
        """About how much is still to be downloaded for a model."""
        return sum(max(0, part.bytes - self._begun_bytes(part)) for part in self.missing(model))

    def disk_bytes(self, model: ModelInfo) -> int:
        """What a model's own files take on disk."""
        return _size_of(self.folder / model.own.name)

    def why_not(self, model: ModelInfo) -> str:
        """Why a model cannot be used, in one sentence, or ""."""
        missing = self.missing(model)
        if not missing:
            return ""
        if len(missing) == len(model.parts):
            return f"The weights of {model.title} are not on this machine; {_WAYS} downloads or imports them."
        names = " and ".join(part.name for part in missing)
        return f"{model.title} is not complete: {names} is missing; {_WAYS} downloads or imports it."

    def own_folder(self, model: ModelInfo) -> Path:
        """Where a model's own files lie, which is ready. Raises `FileProblem` where it is not."""
        problem = self.why_not(model)
        if problem:
            raise FileProblem(problem)
        return self.folder / model.own.name

    def paths(self, model: MusicModel) -> ModelPaths:
        """Where a MusicGen lies that is ready. Raises `FileProblem` where it is not."""
        own = self.own_folder(model)
        return ModelPaths(own, self.folder / TEXT_ENCODER.name, self.folder / CODEC.name)

    def _begun_bytes(self, part: Part) -> int:
        return _size_of(self.folder / (part.name + PARTIAL))

    @staticmethod
    def _sound(folder: Path) -> bool:
        manifest = read_manifest(folder)
        try:
            return bool(manifest) and all(
                (folder / name).stat().st_size == entry["bytes"] and isinstance(entry["sha256"], str)
                for name, entry in manifest.items()
            )
        except (OSError, KeyError, TypeError):
            return False

    # -- care --------------------------------------------------------------------------------------------------------

    def verify(self, model: ModelInfo, on_progress: OnProgress, cancel: Cancel, *, changed_only: bool = False) -> None:
        """Read every file of a model again and compare its SHA-256 with the one taken on its arrival.

        `changed_only` leaves out files that nobody has written to since they were last found right: for every loading.
        Raises `FileProblem` with the file that differs, or where the model is not complete.
        """
        self.own_folder(model)
        files = [
            (self.folder / part.name / name, entry)
            for part in model.parts
            for name, entry in read_manifest(self.folder / part.name).items()
        ]
        if changed_only:
            files = [(path, entry) for path, entry in files if path.stat().st_mtime_ns != entry.get("mtime_ns")]
        total = sum(path.stat().st_size for path, _ in files) or 1
        done = 0
        for path, entry in files:

            def tell(count: int, before: int = done) -> None:
                cancel.check()
                on_progress(Progress("verifying", (before + count) / total))

            if sha256_of(path, tell) != entry["sha256"]:
                raise FileProblem(
                    f"{path} is not what was downloaded or imported: its checksum differs.",
                    hint=f"Remove {model.title} and get it again.",
                )
            done += path.stat().st_size
        for folder in {path.parent for path, _ in files}:
            _found_right(folder)
        on_progress(Progress("verifying", 1.0))

    def remove(self, model: ModelInfo) -> int:
        """Remove a model, what a download of it left, and the parts no other model here needs; the bytes freed."""
        freed = 0
        others = [other for other in ALL_MODELS if other is not model and self.has(other.own)]
        kept = {part.name for other in others for part in other.parts}
        for part in model.parts:
            if part.name not in kept:
                left = self.folder.glob(f"{part.name}.*{PARTIAL}")  # of an import that was killed
                for folder in (self.folder / part.name, self.folder / (part.name + PARTIAL), *left):
                    freed += _remove(folder)
        return freed

    def room_for(self, wanted: int) -> None:
        """Raise `FileProblem` where the disk lacks room for `wanted` bytes, and some to spare."""
        self.folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.folder).free
        if free < wanted + (512 << 20):
            raise FileProblem(
                f"There is not enough room in {self.folder}: {gigabytes(wanted)} needed, {gigabytes(free)} free.",
                hint="Free some space, or choose a smaller model.",
            )


# -- manifests and hashes --------------------------------------------------------------------------------------------


def read_manifest(folder: Path) -> Mapping[str, Any]:
    """File names with their `bytes` and `sha256`; empty where there is none or it is damaged."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    files = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(files, dict) or not all(plain_name(name) for name in files):
        return {}
    return files


def write_manifest(folder: Path, files: Mapping[str, Mapping[str, object]], source: str) -> None:
    """Write down what is in `folder` and where it came from."""
    entries = {name: {**entry, **_written(folder / name)} for name, entry in files.items()}
    text = json.dumps({"source": source, "files": entries}, indent=1)
    staging = folder / f"{MANIFEST}.new"
    staging.write_text(text + "\n", "utf-8")
    staging.replace(folder / MANIFEST)


def _written(path: Path) -> dict[str, int]:
    return {"mtime_ns": path.stat().st_mtime_ns} if path.is_file() else {}


def _found_right(folder: Path) -> None:
    """Remember that the files of `folder`, as they are now, are right."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        write_manifest(folder, manifest["files"], str(manifest.get("source", "")))
    except OSError:  # a folder that may not be written is read again each time
        log.info("the manifest of %s cannot be written", folder)


def sha256_of(path: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """A file's SHA-256 in hexadecimal; `on_bytes` is told how much was read so far and may raise."""
    digest, count = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while block := file.read(READ_BYTES):
                digest.update(block)
                count += len(block)
                if on_bytes is not None:
                    on_bytes(count)
    except OSError as error:
        raise FileProblem(f"{path} cannot be read: {error.strerror or error}.") from error
    return digest.hexdigest()


def plain_name(name: object) -> bool:
    """Whether `name` is a file's alone: nothing that could lead out of a folder."""
    return isinstance(name, str) and bool(name) and name == Path(name).name and name not in (".", "..")


def gigabytes(count: int) -> str:
    """`1.1 GB`, `236 MB`: decimal, as downloads are told."""
    return f"{count / 1e9:.1f} GB" if count >= 1_000_000_000 else f"{max(1, round(count / 1e6))} MB"


def _size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in _files(folder))


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _remove(folder: Path) -> int:
    size = _size_of(folder)
    if folder.exists():
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise FileProblem(f"{folder} cannot be removed: {error.strerror or error}.") from error
    return size
