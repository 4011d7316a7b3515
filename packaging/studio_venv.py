"""Makes `.venv/`: what the studio stands on, at the pinned releases, with as little work as its state allows.

Standard library only, and nothing newer than Python 3.7, as bootstrap.py, whose second half this is.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "nur-studio-setup.json"
CONSTRAINTS = ROOT / "packaging" / "constraints.txt"


MODELS = ("musicgen", "stems", "transcription")
SERVER = ("server",)
EVERYTHING = (*MODELS, *SERVER, "test", "lint")
TORCH = "torch>=2.6,<2.14"
# Its own requirements pin releases no modern machine can install; pyproject.toml's musicgen extra has what it needs.
AUDIOCRAFT = "audiocraft==1.3.0"
# Nor can this one be had with what it asks for: an old TensorFlow, where the transcription extra's onnxruntime does.
BASIC_PITCH = "basic-pitch==0.4.0"
# Nor with what this one asks for, a package that reports how it is used; it works without. Wheels and speed are x86's.
OPENVINO = "openvino==2026.4.1"


class SetupProblem(Exception):
    """Something stands in the way; says what, in a sentence or two for people."""


def say(text: str) -> None:
    print(text, flush=True)


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    """Print what is being done and, once it is, how long it took."""
    started = time.monotonic()
    say(f"{title} …")
    yield
    say(f"  done in {time.monotonic() - started:.0f} s")


class Stamp(NamedTuple):
    """What `.venv/` holds, and for which checkout (its scripts know only that one place).

    `state` is "ready", "installing" while pip writes, "" where nothing is known.
    """

    state: str = ""
    root: str = ""
    key: str = ""
    extras: tuple[str, ...] = ()


def read_stamp() -> Stamp:
    try:
        stored = json.loads(STAMP.read_text("utf-8"))
        return Stamp(str(stored["state"]), str(stored["root"]), str(stored["key"]), tuple(map(str, stored["extras"])))
    except (OSError, ValueError, KeyError, TypeError):
        return Stamp()


def write_stamp(stamp: Stamp) -> None:
    """Whole or not at all: a torn stamp would be read as none."""
    staging = STAMP.with_suffix(".new")
    staging.write_text(json.dumps(stamp._asdict()), "utf-8")
    staging.replace(STAMP)


def setup_key() -> str:
    """Changes with whatever makes an installation stale: dependencies, pins, Python."""
    import tomllib  # from Python 3.11 on, which has been checked by now

    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    project = {name: declared.get(name) for name in ("build-system", "project")}
    pins = CONSTRAINTS.read_text("utf-8") if CONSTRAINTS.exists() else ""
    parts = [project, pins, AUDIOCRAFT, BASIC_PITCH, OPENVINO, list(sys.version_info[:2])]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def set_up_venv(extras: Sequence[str]) -> None:
    """Make `.venv/` hold the studio and these extras, with as little work as its state allows."""
    stamp, key = read_stamp(), setup_key()
    fault = venv_fault(stamp)
    if not fault and stamp.state == "ready" and stamp.key == key and set(extras) <= set(stamp.extras):
        return
    wanted = tuple(sorted({*extras, *stamp.extras}))
    check_disk(wanted)
    if fault:
        make_venv(fault)
        stamp = Stamp()
    # A kill from here on leaves this mark beside half-written packages, which pip would take for whole ones.
    write_stamp(Stamp("installing", str(ROOT), key, wanted))
    try:
        install_packages(wanted)
    except SetupProblem:
        # pip failed in good order and undid what it had begun: what was there is as good as before.
        write_stamp(stamp)
        raise
    write_stamp(Stamp("ready", str(ROOT), key, wanted))


def venv_fault(stamp: Stamp) -> str:
    """Why `.venv/` must be made (anew), in a sentence; "" where it can stay."""
    if not VENV.exists():
        return "There is no .venv/ yet."
    if stamp.state == "installing":
        return "An earlier setup was cut off in the middle."
    if stamp.root not in ("", str(ROOT)):
        return "This checkout has moved."
    try:
        settings = (VENV / "pyvenv.cfg").read_text("utf-8")
    except OSError:
        return ".venv/ is damaged."
    version = re.search(r"^version(?:_info)? *= *(\d+)\.(\d+)", settings, re.MULTILINE)
    if not VENV_PYTHON.exists() or version is None:  # a link to a Python that has gone does not exist, either
        return ".venv/ is damaged."
    if (int(version[1]), int(version[2])) != sys.version_info[:2]:
        return f".venv/ is for Python {version[1]}.{version[2]}."
    return ""


def make_venv(reason: str) -> None:
    """A new, empty `.venv/` with pip in it."""
    if Path(sys.prefix).resolve() == VENV:
        raise SetupProblem(f"{reason} It must be made anew: start this with the system's Python, not .venv's.")
    with step(f"{reason} Making it"):
        shutil.rmtree(VENV, ignore_errors=True)
        done = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True)
    if done.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        raise SetupProblem(f"Python could not make .venv/. It said:\n{tail(done.stdout + done.stderr)}")


def check_disk(extras: Sequence[str]) -> None:
    """Raise where the disk cannot hold what is about to come, rather than fail in the middle."""
    cuda = sys.platform != "darwin"  # what pip takes there; a CPU build needs a third of it
    needed_gb = 0.9 if not set(extras) & set(MODELS) else 7.0 if cuda else 3.0
    free_gb = shutil.disk_usage(ROOT).free / 1e9
    if free_gb < needed_gb:
        raise SetupProblem(f"The disk of {ROOT} has {free_gb:.1f} GB free; this needs {needed_gb:.1f} GB.")


def install_packages(extras: Sequence[str]) -> None:
    """The studio, editable, and what these extras name, at the pinned releases."""
    pins = ["-c", str(CONSTRAINTS)]
    if set(extras) & set(MODELS) and sys.platform == "win32" and shutil.which("nvidia-smi"):
        install_torch_for_nvidia(pins)
    studio = f"{ROOT}[{','.join(extras)}]" if extras else str(ROOT)
    title = "Installing the studio" + (f" and what {', '.join(extras)} need" if extras else "")
    with step(title):
        pip(["install", *pins, "-e", studio])
    if "musicgen" in extras:
        with step("Installing audiocraft (MusicGen's code; its weights come later, when asked for)"):
            pip(["install", "--no-deps", AUDIOCRAFT])
        if sys.platform != "darwin" and platform.machine().lower() in ("x86_64", "amd64"):
            with step("Installing OpenVINO (the fast way to make music on a processor)"):
                pip(["install", "--no-deps", OPENVINO])
    if "transcription" in extras:
        with step("Installing Basic Pitch (notes heard in stems, for MIDI; its weights are in it)"):
            pip(["install", "--no-deps", BASIC_PITCH])


def install_torch_for_nvidia(pins: Sequence[str]) -> None:
    """On Windows plain pip brings torch for the CPU; uv knows which CUDA build suits this machine's driver."""
    say("This machine has an NVIDIA GPU. pip would install torch for the CPU; uv can take the build for the GPU.")
    if not sys.stdin.isatty() or input("Install that one (about 3 GB)? [Y/n] ").strip().lower() in ("n", "no"):
        say(f'Later: pip install uv, then uv pip install --torch-backend=auto --reinstall-package torch "{TORCH}"')
        return
    with step("Installing torch for this GPU"):
        pip(["install", "uv"])
        uv = [str(VENV_PYTHON), "-m", "uv", "pip", "install", "--python", str(VENV_PYTHON), "--torch-backend=auto"]
        watch([*uv, *pins, TORCH])


def pip(arguments: Sequence[str]) -> None:
    common = ["--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--retries", "2"]
    watch([str(VENV_PYTHON), "-m", "pip", arguments[0], *common, *arguments[1:]])


def watch(command: Sequence[str]) -> None:
    """Run an installer quietly; on a terminal one line says what it is at. Its last words only if it fails."""
    running = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    assert running.stdout is not None
    lines = []
    for line in running.stdout:
        lines.append(line.rstrip())
        if sys.stdout.isatty() and line.startswith(("Collecting", "  Downloading", "Downloading", "Installing")):
            print(f"\r\033[K  {line.strip()[:100]}", end="", flush=True)
    if sys.stdout.isatty():
        print("\r\033[K", end="", flush=True)
    if running.wait():
        raise SetupProblem(diagnosis("\n".join(lines)))


def diagnosis(output: str) -> str:
    """What an installer's failure means, in a sentence, and its last words where those help."""
    if re.search(r"No space left on device|not enough space|ENOSPC", output, re.IGNORECASE):
        return "The disk is full: make room, then start again."
    unreachable = re.search(
        r".*(NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|Read timed out|Network is unreachable|"
        r"Failed to establish|name resolution|ProxyError|ConnectionResetError|RemoteDisconnected|SSLError).*",
        output,
    )
    if unreachable:
        cause = "The package index cannot be reached: the first setup needs the internet, later starts do not."
        return f"{cause}\n{tail(unreachable[0], 1)}"
    return f"Installing failed. The installer's last words:\n{tail(output)}"


def tail(text: str, lines: int = 12) -> str:
    kept = [line for line in text.strip().splitlines() if line.strip() and not line.startswith("WARNING: Location")]
    return "\n".join(f"  {line}" for line in kept[-lines:])
