"""Takes weights from a folder, a USB disk or another program's cache: found, checked, copied, and only then believed.

Two layouts of MusicGen are known: audiocraft's (`state_dict.bin`, `compression_state_dict.bin`, with T5 and EnCodec in
folders of their own) and transformers' (`config.json` and `model*.safetensors`, all three in one, which are taken apart
here, so that models share what they have in common). A Demucs is a bag with its networks (see `demucs.bag`), or the
published networks alone, as torch's own cache has them. A folder is looked through a few levels deep. Nothing in a file
is run.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nur_studio.core.errors import FileProblem
from nur_studio.core.progress import Cancel, OnProgress, Progress
from nur_studio.engines.demucs.bag import NAMED, SUFFIX, checksum_of, network_file, read_bag
from nur_studio.engines.models import ALL_MODELS, CODEC, MODELS, SEPARATORS, TEXT_ENCODER, ModelInfo, SeparatorModel
from nur_studio.engines.pickle_files import check_weights_only
from nur_studio.engines.tensor_files import READ_BYTES, Tensor, read_tensors, write_tensors
from nur_studio.engines.weights import CHECKPOINT_FILES, PARTIAL, WeightStore, write_manifest

_PUBLISHED = ("musicgen", "musicgen_melody")
_DEEPEST = 5
_TRIES = 5
_MOST_FOLDERS = 5000
_LARGEST_JSON = 4 << 20
_CONFIG, _WEIGHTS = "config.json", "model.safetensors"
_TOKENIZER = ("spiece.model", "tokenizer.json")
_TOKENIZER_BESIDE = ("tokenizer_config.json", "special_tokens_map.json")
_HELD_OUT = (".bin", ".pt", ".pth", ".ckpt")
_NETWORK_FILES = (".th", ".safetensors")
_AGAIN = "Copy it again from where it is whole."
_PREFIXES = {TEXT_ENCODER.name: "text_encoder.", CODEC.name: "audio_encoder."}


@dataclass(frozen=True, slots=True)
class Piece:
    """A file to be: a copy of `source`, or `tensors` of other files, or `text`.

    `checksum` is how its SHA-256 begins, where its source says so.
    """

    name: str
    source: Path | None = None
    tensors: dict[str, Tensor] | None = None
    text: str = ""
    checksum: str = ""

    @property
    def bytes(self) -> int:
        if self.source is not None:
            return self.source.stat().st_size
        return sum(tensor.end - tensor.start for tensor in (self.tensors or {}).values()) + len(self.text)

    def write(self, folder: Path, on_bytes: Callable[[int], None]) -> dict[str, object]:
        """The file in `folder`; its entry in the manifest. Raises `FileProblem` where it is not what it should be."""
        if self.tensors is not None:
            return write_tensors(folder / self.name, self.tensors, on_bytes)
        digest, count = hashlib.sha256(), 0
        with (folder / self.name).open("wb") as target:
            for block in _blocks(self.source) if self.source is not None else (self.text.encode(),):
                digest.update(block)
                target.write(block)
                count += len(block)
                on_bytes(count)
        if not digest.hexdigest().startswith(self.checksum):
            raise FileProblem(f"{self.source} is not what its name says: its checksum is another.", hint=_AGAIN)
        return {"bytes": count, "sha256": digest.hexdigest()}


@dataclass(frozen=True, slots=True)
class Found:
    """A part: `name` is its folder's here. One that is only `spare` gives way to one that came by itself."""

    name: str
    pieces: tuple[Piece, ...]
    spare: bool = False


def import_folder(store: WeightStore, folder: Path, on_progress: OnProgress, cancel: Cancel) -> tuple[str, ...]:
    """Copy every model, text encoder and codec found in `folder`; the names of the models that this concerns.

    Raises `FileProblem` where there is none, where a file is damaged, or the disk lacks room. What was there under the
    same name is replaced once the new one is whole.
    """
    there = {part.name for part in (TEXT_ENCODER, CODEC) if store.has(part)}
    found = [part for part in find(folder) if not (part.spare and part.name in there)]
    total = sum(piece.bytes for part in found for piece in part.pieces) or 1
    store.room_for(total)
    done = 0
    for part in found:
        staging = store.folder / f"{part.name}.{os.getpid()}{PARTIAL}"  # another process may import the same
        entries: dict[str, dict[str, object]] = {}
        try:
            shutil.rmtree(staging, ignore_errors=True)
            staging.mkdir(parents=True)
            for piece in part.pieces:

                def tell(count: int, before: int = done) -> None:
                    cancel.check()
                    on_progress(Progress("copying", min(1.0, (before + count) / total)))

                entries[piece.name] = piece.write(staging, tell)
                done += piece.bytes
            write_manifest(staging, entries, str(folder))
            _replace(staging, store.folder / part.name)
            shutil.rmtree(store.folder / f"{part.name}{PARTIAL}", ignore_errors=True)  # a download once begun
        except OSError as error:
            shutil.rmtree(staging, ignore_errors=True)
            raise FileProblem(f"{part.name} cannot be copied: {error.strerror or error}.") from error
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
    on_progress(Progress("copying", 1.0))
    names = {part.name for part in found}
    models = tuple(model.name for model in ALL_MODELS if model.own.name in names)
    # A text encoder or codec brought later makes models ready that only lacked it.
    return models or tuple(model.name for model in MODELS if store.has(model.own))


def find(folder: Path) -> list[Found]:
    """The parts in a folder, the first of each name. Raises `FileProblem` where nothing is found."""
    if not folder.is_dir():
        raise FileProblem(f"There is no folder {folder}.")
    parts: dict[str, Found] = {}
    for place in _folders(folder):
        for part in _parts_in(place, folder):
            _keep_inside(part, place, folder)
            if part.name not in parts or (parts[part.name].spare and not part.spare):
                parts[part.name] = part
    if not parts:
        raise FileProblem(
            f"{folder} holds no weights that the studio knows.",
            hint="It looks for state_dict.bin with compression_state_dict.bin, or config.json with model.safetensors, "
            "in folders named like musicgen-small, t5-base and encodec_32khz, or htdemucs.yaml with its *.th or "
            "*.safetensors.",
        )
    return [parts[name] for name in sorted(parts)]


def _folders(top: Path) -> Iterator[Path]:
    """`top` and what is below it, not too deep; links to folders are not followed."""
    for count, (place, folders, _) in enumerate(os.walk(top)):
        if count == _MOST_FOLDERS:
            return
        depth = len(Path(place).relative_to(top).parts)
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if depth < _DEEPEST else []
        yield Path(place)


def _parts_in(place: Path, top: Path) -> Sequence[Found]:
    return [*_music_in(place, top), *_separators_in(place)]


def _separators_in(place: Path) -> Iterator[Found]:
    """Bags with all of their networks, and published networks whose bag is not there."""
    names = [path.name for path in place.iterdir() if path.suffix in _NETWORK_FILES and path.is_file()]
    for model in SEPARATORS if names else ():
        bag = place / (model.name + SUFFIX)
        signatures = read_bag(bag).networks if bag.is_file() else model.networks
        found = {signature: network_file(names, signature) for signature in dict.fromkeys(signatures)}
        if all(found.values()):
            described = Piece(bag.name, bag) if bag.is_file() else Piece(bag.name, text=_bag_text(model))
            yield Found(model.name, (described, *(_network(place / name) for name in found.values())))
        elif bag.is_file():
            lacking = next(signature for signature, name in found.items() if not name)
            raise FileProblem(f"{place} is not complete: {model.title}'s network {lacking} is missing.", hint=_AGAIN)


def _network(path: Path) -> Piece:
    if path.suffix == ".safetensors":
        read_tensors(path)
    else:
        check_weights_only(path, NAMED)
    return Piece(path.name, path, checksum=checksum_of(path.name))


def _bag_text(model: SeparatorModel) -> str:
    """The bag as published: of several networks each makes the stem it was fine-tuned for."""
    count = len(model.networks)
    rows = [[1.0 if row == column else 0.0 for column in range(count)] for row in range(count)] if count > 1 else None
    return json.dumps({"models": list(model.networks)} | ({"weights": rows} if rows else {})) + "\n"


def _music_in(place: Path, top: Path) -> Sequence[Found]:
    config = _json(place / _CONFIG)
    kind = config.get("model_type") if config is not None else None
    checkpoint = [place / name for name in CHECKPOINT_FILES]
    if all(path.is_file() for path in checkpoint):
        for path in checkpoint:
            check_weights_only(path)
        model = _model_at(place, top)
        found = [Found(model.own.name, tuple(Piece(path.name, path) for path in checkpoint))]
        if kind in _PUBLISHED and config is not None and any(place.glob("model*.safetensors")):
            found += _taken_apart(place, config, model)[1:]  # a whole repository: both layouts in one folder
        return found
    if kind in _PUBLISHED:
        assert config is not None
        return _taken_apart(place, config, _model_at(place, top))
    if kind == "t5" and (place / _WEIGHTS).is_file():
        pieces = _tokenizer(place)
        if not pieces:
            raise FileProblem(f"{place} holds a text encoder without its tokenizer, spiece.model.")
        return [Found(TEXT_ENCODER.name, (*_copied(place), *pieces))]
    if kind == "encodec" and (place / _WEIGHTS).is_file():
        return [Found(CODEC.name, _copied(place))]
    return []


def _keep_inside(part: Found, place: Path, top: Path) -> None:
    """Raise `FileProblem` where a file is a link to somewhere else; a cache's `snapshots` link to its `blobs`."""
    roots = [top.resolve(), *(above.parent for above in place.resolve().parents if above.name == "snapshots")]
    for piece in part.pieces:
        paths = {tensor.path for tensor in (piece.tensors or {}).values()}
        if piece.source is not None:
            paths.add(piece.source)
        for path in paths:
            if not any(path.resolve().is_relative_to(root) for root in roots):
                raise FileProblem(
                    f"{path} is a link that leads out of {top}, so it was not followed.",
                    hint="Put the file itself there.",
                )


def _copied(place: Path) -> tuple[Piece, ...]:
    read_tensors(place / _WEIGHTS)
    return Piece(_CONFIG, place / _CONFIG), Piece(_WEIGHTS, place / _WEIGHTS)


def _tokenizer(place: Path) -> tuple[Piece, ...]:
    if not any((place / name).is_file() for name in _TOKENIZER):
        return ()
    names = (*_TOKENIZER, *_TOKENIZER_BESIDE)
    return tuple(Piece(name, place / name) for name in names if (place / name).is_file())


def _taken_apart(place: Path, config: dict[str, Any], model: ModelInfo) -> list[Found]:
    """A model of transformers': itself, and the text encoder and codec that came in its file."""
    tensors = _tensors(place)
    apart: dict[str, dict[str, Tensor]] = {name: {} for name in (model.own.name, *_PREFIXES)}
    for name, tensor in tensors.items():
        part = next((part for part, prefix in _PREFIXES.items() if name.startswith(prefix)), model.own.name)
        apart[part][name.removeprefix(_PREFIXES.get(part, ""))] = tensor
    found = [Found(model.own.name, (Piece(_CONFIG, place / _CONFIG), Piece(_WEIGHTS, tensors=apart[model.own.name])))]
    for part, words, beside in (
        (TEXT_ENCODER.name, config.get("text_encoder"), _tokenizer(place)),
        (CODEC.name, config.get("audio_encoder"), ()),
    ):
        if isinstance(words, dict) and apart[part] and (beside or part == CODEC.name):
            pieces = (Piece(_CONFIG, text=json.dumps(words)), Piece(_WEIGHTS, tensors=apart[part]), *beside)
            found.append(Found(part, pieces, spare=True))
    return found


def _tensors(place: Path) -> dict[str, Tensor]:
    """Every tensor of a model, from one file or several."""
    files = sorted(place.glob("model*.safetensors"))
    index = (_json(place / f"{_WEIGHTS}.index.json") or {}).get("weight_map")
    if isinstance(index, dict):
        wanted = {str(name) for name in index.values()}
        missing = sorted(name for name in wanted if name not in {path.name for path in files})
        if missing:
            raise FileProblem(f"{place} is not complete: {', '.join(missing)} is missing.", hint=_AGAIN)
    if not files:
        held = next((path.name for path in sorted(place.iterdir()) if path.suffix in _HELD_OUT), "")
        also = f" {held} could run code and is not opened." if held else ""
        raise FileProblem(f"{place} holds no {_WEIGHTS}.{also}", hint="Get the model in safetensors.")
    return {name: tensor for path in files for name, tensor in read_tensors(path).items()}


def _model_at(place: Path, top: Path) -> ModelInfo:
    """Which model a folder holds, by its name or that of one above it (a cache has them in `snapshots`)."""
    names = [place.name, *(parent.name for parent in place.parents)][: len(place.relative_to(top).parts) + 3]
    for name in names:
        for model in sorted(MODELS, key=lambda model: len(model.name), reverse=True):
            if name.casefold().endswith(model.name):
                return model
    raise FileProblem(
        f"{place} holds a model, but its name does not say which.",
        hint="Name the folder like the model, musicgen-small for instance.",
    )


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            yield block


def _replace(staging: Path, target: Path) -> None:
    """Give `staging` its name. Where another process does the same at this moment, the last one wins."""
    old = staging.with_suffix(".old")
    shutil.rmtree(old, ignore_errors=True)
    for tries_left in reversed(range(_TRIES)):
        try:
            with contextlib.suppress(FileNotFoundError):
                target.rename(old)
            staging.rename(target)
            break
        except OSError:
            if old.exists() and not target.exists():
                old.rename(target)  # what was there stays
            shutil.rmtree(old, ignore_errors=True)
            if not tries_left:
                raise
    shutil.rmtree(old, ignore_errors=True)


def _json(path: Path) -> dict[str, Any] | None:
    try:
        if path.stat().st_size > _LARGEST_JSON:
            return None
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
