"""The whole way without a network: from a folder of weights to an exported file, by the command line as a program.

The models are tiny ones in the published formats, and take the very path that the published ones take.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import no_network
import numpy as np
import pytest
from tag_readers import by_libsndfile
from tiny_demucs import make_demucs
from tiny_musicgen import make_musicgen

from nur_studio.audio.files import audio_frames, read_audio
from nur_studio.engines.models import SEPARATOR_LICENCE, WEIGHTS_LICENCE

NAME, SEPARATOR = "musicgen-small", "htdemucs_6s"
SECONDS, RATE = 6, 44100

# Engines step back behind everything else, so on a machine that is busy with other things a take takes minutes.
pytestmark = pytest.mark.timeout(300)


class Offline:
    """Runs the studio as a program that has no network; `folder` keeps what was seen of it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._home, self._prefix = folder / "seen", folder / "home", no_network.prefix()

    def __call__(self, *arguments: str | Path, code: int = 0) -> str:
        command = ["-m", "nur_studio", *map(str, arguments)]
        done = self.python(*command, code=code)
        return done.stdout if code == 0 else done.stderr

    def python(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        environment = {**no_network.environment(self.folder), "NUR_STUDIO_HOME": str(self._home)}
        done = subprocess.run(
            [*self._prefix, sys.executable, *arguments], capture_output=True, text=True, timeout=280, env=environment
        )
        assert done.returncode == code, done.stderr
        return done


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Offline:
    """The studio after the models were imported."""
    published = tmp_path_factory.mktemp("usb disk")
    folders = make_musicgen(published, "text")
    folders.checkpoint.rename(published / NAME)
    make_demucs(published / "checkpoints", SEPARATOR)
    offline = Offline(tmp_path_factory.mktemp("offline"))
    imported = json.loads(offline("models", "import", published, "--json"))
    assert [(each["name"], each["state"], each["missing_bytes"]) for each in imported] == [
        (NAME, "ready", 0),
        (SEPARATOR, "ready", 0),
    ]
    return offline


@pytest.fixture(scope="module")
def made(studio: Offline) -> dict[str, Any]:
    track: dict[str, Any] = json.loads(
        studio("generate", "calm jazz with piano", "--engine", NAME, "--duration", str(SECONDS), "--tempo", "90",
               "--seed", "3", "--format", "wav", "--json")
    )  # fmt: skip
    return track


def test_the_block_holds(tmp_path: Path) -> None:
    program = "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9', timeout=5)"
    environment = no_network.environment(tmp_path)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    assert "Network is unreachable" in done.stderr
    assert len(no_network.processes(tmp_path)) == 1
    assert no_network.attempts(tmp_path)[0].startswith("socket.getaddrinfo")


def test_what_was_imported_is_listed_and_whole(studio: Offline) -> None:
    ready = [model for model in json.loads(studio("models", "list", "--json")) if model["state"] == "ready"]
    assert [(each["name"], each["licence"], each["sellable"]) for each in ready] == [
        (NAME, WEIGHTS_LICENCE, False),
        (SEPARATOR, SEPARATOR_LICENCE, True),
    ]
    verified = studio("models", "verify").splitlines()
    assert verified == [f"{name}: every file is as it came." for name in (NAME, SEPARATOR)]
    (engine,) = [engine for engine in json.loads(studio("engines", "--json")) if engine["name"] == NAME]
    assert (engine["why_not"], engine["licence"], engine["sellable"]) == ("", WEIGHTS_LICENCE, False)


def test_a_take_is_made_and_exported(studio: Offline, made: dict[str, Any], tmp_path: Path) -> None:
    assert (made["status"], made["engine"], made["licence"]) == ("completed", NAME, WEIGHTS_LICENCE)
    assert (made["duration"], made["seed"]) == (SECONDS, 3)
    assert made["tempo"] is None, "so small a model makes no beat, and none is claimed"
    out = tmp_path / "take.wav"
    assert studio("export", made["id"], "--out", out) == f"{out}\n"
    assert audio_frames(out) == (SECONDS * RATE, RATE)
    assert any(WEIGHTS_LICENCE in tag for tag in by_libsndfile(out).values())
    audio, _ = read_audio(out)
    assert audio.shape == (SECONDS * RATE, 2)
    assert abs(audio).max() > 0.01
    told = studio("get", made["id"])
    assert WEIGHTS_LICENCE in told
    assert "told the model: calm jazz with piano" in told


def test_the_take_was_separated_and_sums(studio: Offline, made: dict[str, Any], tmp_path: Path) -> None:
    """By itself, as the settings have it from the start, with the separator that is here."""
    assert all(made["stems"].values())
    told = studio("get", made["id"])
    assert f"stems by Demucs six stems, licence {SEPARATOR_LICENCE}: drums, bass, vocals, guitar, piano, rest" in told
    studio("export", made["id"], "--out", tmp_path / "mix.wav", "--format", "wav")
    studio("export", made["id"], "--part", "stems", "--out", tmp_path / "stems")
    stems = [read_audio(path)[0].astype(np.float64) for path in (tmp_path / "stems").glob("*.wav")]
    assert len(stems) == 6
    assert np.array_equal(sum(stems), read_audio(tmp_path / "mix.wav")[0].astype(np.float64))
    again = json.loads(studio("separate", made["id"], "--model", SEPARATOR, "--json"))
    assert again["id"] == made["id"]


def test_nothing_ever_asked_for_the_network(studio: Offline, made: dict[str, Any]) -> None:
    engines = [line for line in no_network.processes(studio.folder) if "spawn_main" in line]
    assert engines, "the engine process ran blocked too"
    assert no_network.attempts(studio.folder) == []
