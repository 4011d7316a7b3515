"""The doctor: what the studio needs, what of it is here, and the command that mends what is not."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nur_studio.core.errors import StudioError
from nur_studio.core.paths import Directories
from nur_studio.core.progress import CancelToken, ignore_progress
from nur_studio.core.prompt import read_prompt
from nur_studio.core.settings import Settings, load_settings
from nur_studio.engines.models import MODELS, SEPARATORS, ModelInfo
from nur_studio.engines.weights import WeightStore, gigabytes

if TYPE_CHECKING:  # all that stands on libraries is imported where it is looked at: they may be what is damaged
    from nur_studio.engines.base import EngineInfo

OK, WARN, FAIL = "ok", "warn", "fail"
MODEL_LIBRARIES = ("torch", "transformers", "omegaconf", "einops", "julius", "audiocraft")
SEPARATOR_LIBRARIES = ("torch", "demucs", "safetensors", "yaml")
LIBRARIES = ("numpy", "scipy", "soundfile", "soxr", "pyloudnorm", "psutil", "platformdirs", "tqdm")


def _quoted(path: str) -> str:
    return f'"{path}"' if " " in path else path


_PYTHON = _quoted(sys.executable)
_REINSTALL = f"{_PYTHON} -m pip install --force-reinstall"
_BOOTSTRAP = Path(__file__).resolve().parent.parent / "packaging" / "bootstrap.py"
_MODELS_MEND_CHECKOUT = f"{_PYTHON} {_quoted(str(_BOOTSTRAP))} setup --with-models"
_MODELS_MEND = (
    f"{_PYTHON} -m pip install 'nur-studio[musicgen,stems]' && {_PYTHON} -m pip install --no-deps audiocraft==1.3.0"
)
_LINUX_WINDOW = (
    "libegl1 libgl1 libglib2.0-0 libfontconfig1 libdbus-1-3 libxkbcommon0 libxkbcommon-x11-0 libx11-xcb1 "
    "libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-shm0 "
    "libxcb-sync1 libxcb-xfixes0"
)
WINDOW_MEND = f"sudo apt-get install {_LINUX_WINDOW}" if sys.platform == "linux" else f"{_REINSTALL} PySide6-Essentials"
_MODEL_NAMES = frozenset(info.name for info in MODELS)
_PROBE_S = 40.0
_ANSWER_S = 10.0
_FREE_BYTES_FAIL, _FREE_BYTES_WARN = 200e6, 2e9


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `level` is ok, warn or fail; `mend` the command that helps, "" where none is needed.

    `vital`: without it no music is made.
    """

    name: str
    level: str
    finding: str
    mend: str = ""
    vital: bool = False


def examine(directories: Directories, engines: Sequence[EngineInfo] | None = None) -> list[Check]:
    """Look at everything. Takes some seconds: Sketch really makes five seconds of music. MusicGen does not, which may
    take minutes: of its models it is told which are here, whole, and small enough for this machine's memory.
    """
    libraries = _libraries()
    checks = [_python(), libraries, _disk(directories.data)]
    settings = load_settings(directories.settings_file)
    if libraries.level == OK:
        from nur_studio.engines import catalogue

        checks.append(_library(directories))
        known = engines or catalogue.engines(directories.models)
        checks += [_engine(engine, directories) for engine in known if engine.name not in _MODEL_NAMES]
    found = [_weights(directories), _stems(directories), _graphics(settings.device), _sound(), _importing(), _window()]
    return [*checks, *found, *_server(settings)]


def can_make_music(checks: Sequence[Check]) -> bool:
    """Whether nothing vital has failed."""
    return not any(check.vital and check.level == FAIL for check in checks)


def as_dict(check: Check) -> dict[str, Any]:
    return asdict(check)


def _python() -> Check:
    version = platform.python_version()
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Check("Python", OK, f"{version} on {platform.system()} {platform.machine()}", vital=True)
    return Check("Python", FAIL, f"{version}, but 3.11 to 3.13 is needed", "install Python 3.13", vital=True)


def _libraries() -> Check:
    """Each is loaded in a process of its own: one can be installed and still lack what it is built on."""
    versions, missing = [], []
    for name in LIBRARIES:
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        mend = f"{_PYTHON} -m pip install {' '.join(missing)}"
        return Check("Libraries", FAIL, f"missing: {', '.join(missing)}", mend, vital=True)
    found = _probe(
        "import importlib, json\n"
        "broken = {}\n"
        f"for name in {LIBRARIES!r}:\n"
        " try: importlib.import_module(name)\n"
        " except Exception as error: broken[name] = f'{type(error).__name__}: {error}'\n"
        "print(json.dumps(broken))\n"
    )
    broken = {"one of them": found} if isinstance(found, str) else found
    if broken:
        finding = "; ".join(f"{name} cannot be loaded ({why})" for name, why in broken.items())
        names = LIBRARIES if isinstance(found, str) else tuple(broken)
        return Check("Libraries", FAIL, finding, f"{_REINSTALL} {' '.join(names)}", vital=True)
    return Check("Libraries", OK, ", ".join(versions), vital=True)


def _disk(data: Path) -> Check:
    try:
        there = next(folder for folder in (data, *data.parents) if folder.exists())
        free = shutil.disk_usage(there).free
    except OSError as error:
        finding = f"{data} cannot be looked at: {error.strerror or error}"
        return Check("Disk", FAIL, finding, "let NUR_STUDIO_HOME name a folder of your own", vital=True)
    finding = f"{free / 1e9:.1f} GB free for {data}"
    if free < _FREE_BYTES_FAIL:
        return Check("Disk", FAIL, finding, "free some space, or set NUR_STUDIO_HOME to a larger disk", vital=True)
    if free < _FREE_BYTES_WARN:
        return Check("Disk", WARN, f"{finding}: some {free / 40e6:.0f} tracks of 30 s", "free some space")
    return Check("Disk", OK, finding, vital=True)


def _library(directories: Directories) -> Check:
    from nur_studio.library.library import DATABASE_NAME, Library

    try:
        library = Library(directories.library)
    except StudioError as error:
        return Check("Library", FAIL, str(error), f"look at {directories.library}", vital=True)
    with contextlib.closing(library):
        fault = library.fault()
        if fault:
            mend = f"put a copy back, or move {directories.library} aside to start a new one"
            return Check("Library", FAIL, fault, mend, vital=True)
        lost = library.without_files()
        if lost:
            finding = f"{len(lost)} of {library.count()} tracks have lost their files: {lost[0]} …"
            return Check("Library", WARN, finding, f"put their folders back into {directories.library / 'tracks'}")
        strange = library.without_rows()
        if strange:
            finding = f"{len(strange)} folders of music are not in the list: {strange[0]} …"
            return Check("Library", WARN, finding, f"put a newer copy of {DATABASE_NAME} back, or move them away")
        return Check("Library", OK, f"{library.count()} tracks in {directories.library}", vital=True)


def _engine(engine: EngineInfo, directories: Directories) -> Check:
    """The engine makes five seconds of music, in its own process, into a folder that is then removed."""
    name = f"Engine {engine.name}"
    if engine.why_not:
        return Check(name, WARN, engine.why_not)
    from nur_studio.engines.base import MusicTask
    from nur_studio.engines.process import EngineProcess

    prompt = "calm piano"
    reading = read_prompt(prompt)
    process = EngineProcess(directories.log / "engine.log")
    try:
        with tempfile.TemporaryDirectory(prefix="nur-doctor-") as folder:
            started = time.perf_counter()
            made = process.make(
                engine,
                MusicTask(prompt, 5.0, reading.tempo, 1, reading),
                Path(folder),
                ignore_progress,
                lambda _: None,
                CancelToken(),
            )
            took = time.perf_counter() - started
    except (StudioError, OSError) as error:
        return Check(name, FAIL, str(error), f"{_REINSTALL} {' '.join(LIBRARIES)}", vital=True)
    finally:
        process.close()
    loudness = made.masters.loudness_lufs
    return Check(name, OK, f"made 5 s of music in {took:.1f} s from a cold start, at {loudness:.1f} LUFS", vital=True)


def _weights(directories: Directories) -> Check:
    """Which MusicGen models are here, by their files' sizes: reading every byte is `models verify`'s work."""
    first = MODELS[0]
    nothing = (
        "none here, and Sketch needs none; `nur-studio models download` fetches MusicGen's "
        f"({first.name}: {gigabytes(first.download_bytes)}), `nur-studio models import` takes them from a folder"
    )
    return _models_here("Weights", directories, MODELS, "MusicGen", MODEL_LIBRARIES, nothing)


def _stems(directories: Directories) -> Check:
    """The same of the separators."""
    first = SEPARATORS[0]
    nothing = (
        "no separator here, and what Sketch makes needs none; for other audio `nur-studio models download "
        f"{first.name}` fetches one ({gigabytes(first.download_bytes)})"
    )
    return _models_here("Stems", directories, SEPARATORS, "Demucs", SEPARATOR_LIBRARIES, nothing)


def _models_here(
    name: str, directories: Directories, models: Sequence[ModelInfo], who: str, libraries: Sequence[str], nothing: str
) -> Check:
    store = WeightStore(directories.models)
    states = {info: store.state(info) for info in models}
    ready = [info for info, state in states.items() if state == "ready"]
    begun = [info for info, state in states.items() if state == "partial"]
    if begun:
        return Check(name, WARN, store.why_not(begun[0]), f"nur-studio models download {begun[0].name}")
    if not ready:
        return Check(name, OK, nothing)
    finding = f"{', '.join(info.name for info in ready)} in {directories.models}; {ready[0].licence}"
    missing = [library for library in libraries if importlib.util.find_spec(library) is None]
    if missing:
        mend = _MODELS_MEND_CHECKOUT if _BOOTSTRAP.exists() else _MODELS_MEND
        return Check(name, WARN, f"{finding}; {who} cannot run without {', '.join(missing)}", mend)
    return Check(name, OK, finding)


def _graphics(wanted: str = "auto") -> Check:
    """What MusicGen computes on where `wanted` is the device in the settings. Torch is looked at in a process of its
    own: it takes seconds and a gigabyte to import.
    """
    card = _nvidia()
    found = _probe(
        "import importlib.util as u, json\n"
        "if u.find_spec('torch') is None: print(json.dumps({}))\n"
        "else:\n"
        " import torch\n"
        " from dataclasses import asdict\n"
        " from nur_studio.core.errors import EngineUnavailable\n"
        " from nur_studio.engines.device import choose\n"
        f" try: found = asdict(choose({wanted!r}))\n"
        " except EngineUnavailable as error: found = {'fault': str(error)}\n"
        " print(json.dumps(found | {'torch': torch.__version__}))\n"
    )
    note = "Sketch needs neither"
    if isinstance(found, str):
        return Check("GPU", WARN, f"PyTorch is damaged ({found}); {note}", f"{_REINSTALL} torch")
    if "torch" not in found:
        return Check("GPU", OK, f"{card or 'no NVIDIA driver'}, PyTorch not installed; {note}")
    if card and found.get("kind") != "cuda" and wanted != "cpu":
        uv = f"{_PYTHON} -m uv pip install --python {_PYTHON} --torch-backend=auto --reinstall-package torch torch"
        mend = f"{_PYTHON} -m pip install uv && {uv}"
        return Check("GPU", WARN, f"{card}, but PyTorch {found['torch']} cannot use it; {note}", mend)
    if "fault" in found:
        return Check("GPU", WARN, f"{found['fault']} {note}", "choose another device in the settings")
    place = f"{found['title']}, {gigabytes(found['memory_bytes'])}, {found['precision']}"
    if found["kind"] == "cpu":
        place = f"none used: MusicGen computes on the {place}, slowly"
    return Check("GPU", OK, f"{place}, PyTorch {found['torch']}; {note}")


def _nvidia() -> str:
    """The name of the first NVIDIA card, "" where there is no driver."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ""
    try:
        answer = subprocess.run(
            [tool, "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True, timeout=_PROBE_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip().splitlines()[0] if answer.returncode == 0 and answer.stdout.strip() else ""


def _sound() -> Check:
    found = _probe(
        "import json, sounddevice as s\n"
        "names = [d['name'] for d in s.query_devices() if d['max_output_channels'] > 0]\n"
        "number = s.default.device[1]\n"
        "default = s.query_devices(number)['name'] if number >= 0 else ''\n"
        "print(json.dumps({'count': len(names), 'default': default}))\n"
    )
    rest = "generating and exporting work without"
    if isinstance(found, str):
        mend = "sudo apt-get install libportaudio2" if sys.platform == "linux" else f"{_REINSTALL} sounddevice"
        return Check("Audio output", WARN, f"{found}; {rest}", mend)
    if not found["count"] or not found["default"]:
        mend = "connect a device, or start the system's sound service (systemctl --user start pipewire pulseaudio)"
        if sys.platform != "linux":
            mend = "connect a device, or choose one in the system's sound settings"
        return Check("Audio output", WARN, f"no output device; {rest}", mend)
    return Check("Audio output", OK, f"{found['default']} ({found['count']} devices)")


def _importing() -> Check:
    """Which files can be taken in: libsndfile's always, others where the person has ffmpeg."""
    own = "wav, aiff, flac, mp3, ogg and opus"
    tool = shutil.which("ffmpeg")
    if tool is None:
        return Check("Import", OK, f"{own}; m4a and others need ffmpeg, which is not installed")
    return Check("Import", OK, f"{own}; m4a and others through {tool}")


def _window() -> Check:
    """Qt is loaded in a process of its own, platform plugin included: the plugin is what usually lacks libraries."""
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        display = "no display here; the command line works without"
    else:
        display = ""
    found = _probe(
        "import ctypes, json, pathlib, sys\n"
        "import PySide6, PySide6.QtWidgets as w, PySide6.QtSvg\n"
        "if sys.platform == 'linux':\n"
        " plugin = pathlib.Path(PySide6.__file__).parent / 'Qt/plugins/platforms/libqxcb.so'\n"
        " plugin.exists() and ctypes.CDLL(str(plugin))\n"
        "print(json.dumps({'version': PySide6.__version__}))\n"
    )
    if isinstance(found, str):
        return Check("Window", WARN, f"Qt cannot start: {found}; the command line works without", WINDOW_MEND)
    if display:
        return Check("Window", WARN, f"Qt {found['version']}, {display}", "start it in a desktop session")
    return Check("Window", OK, f"Qt {found['version']}")


def _server(settings: Settings) -> list[Check]:
    """Whether the other studio on the network answers, where one is named."""
    from nur_studio.remote.server import ADDRESS_VARIABLE, TOKEN_VARIABLE, Server, chosen_server

    address, token = chosen_server(settings.server, settings.server_token)
    if not address:
        return []
    from nur_studio.remote.api import StudioApi

    try:
        server = Server.at(address, token)
        about = StudioApi.of(server).about(_ANSWER_S)
    except StudioError as error:
        mend = f"look at the settings, or at {ADDRESS_VARIABLE} and {TOKEN_VARIABLE}; there, `nur-studio serve` runs it"
        return [Check("Server", WARN, error.sentence, mend)]
    finding = f"NUR Studio {about.version} answers at {server.address}, with {len(about.engines)} engines"
    return [Check("Server", OK, finding)]


def _probe(code: str, run: Callable[..., Any] = subprocess.run) -> dict[str, Any] | str:
    """What a short Python program prints as JSON; the last line of its error where it fails."""
    try:
        done = run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=_PROBE_S)
    except subprocess.TimeoutExpired:
        return f"no answer within {_PROBE_S:g} s"
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        return lines[-1] if lines else f"exit code {done.returncode}"
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer
