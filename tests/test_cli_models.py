"""`nur-studio models` with weights that are only bytes: consent, sentences, exit codes, JSON."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections import namedtuple
from collections.abc import Callable, Iterator
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import fake_cli
import pytest
from planted_models import content, plant

from nur_studio import cli, console
from nur_studio.core.logs import stop_log
from nur_studio.core.paths import Directories
from nur_studio.engines.base import Forecast
from nur_studio.engines.models import ALL_MODELS, MODELS, SEPARATOR_LICENCE, WEIGHTS_LICENCE, model
from nur_studio.studio import Studio

Run = Callable[..., tuple[int, str, str]]
SMALL, MELODY = model("musicgen-small"), model("musicgen-melody")


class _Hub(BaseHTTPRequestHandler):
    """Serves the bytes of every file that is asked for, with its checksum, as the publisher does."""

    asked: ClassVar[list[str]] = []

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self.wfile.write(self._answer())

    def _answer(self) -> bytes:
        repository, _, rest = self.path.strip("/").partition("/resolve/")
        data = content(repository, rest.partition("/")[2])
        self.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.end_headers()
        return data

    def log_message(self, *_: object) -> None:
        """Not to standard error."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What was asked of the publisher, who is this machine."""
    _Hub.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield _Hub.asked
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of weights of a studio that has none."""
    monkeypatch.setenv("NUR_STUDIO_HOME", str(tmp_path / "home"))
    yield Directories.below(tmp_path / "home").models
    stop_log()


@pytest.fixture
def run(models: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str | Path) -> tuple[int, str, str]:
        code = cli.main(["models", *map(str, arguments)], fake_cli.make_studio)
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_the_list_says_what_each_is_and_the_licence(run: Run, models: Path) -> None:
    plant(models, SMALL)
    code, out, err = run("list")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    told = [line.split()[0] for line in lines if "to download" in line or "ready" in line]
    assert told == [info.name for info in ALL_MODELS]
    assert "ready, " in lines[1]
    assert "3.9 GB to download" not in lines[1]
    assert "GB to download" in lines[2]
    assert lines[0] == "Make music:"
    assert f"  licence: {WEIGHTS_LICENCE}" in lines
    assert lines[-2:] == [f"  licence: {SEPARATOR_LICENCE}", f"in {models}"]
    listed = json.loads(run("list", "--json")[1])
    assert [entry["state"] for entry in listed] == ["ready"] + ["missing"] * (len(ALL_MODELS) - 1)
    assert listed[1]["missing_bytes"] == MODELS[1].own.bytes, "what models share is here"
    assert {entry["licence"] for entry in listed} == {WEIGHTS_LICENCE, SEPARATOR_LICENCE}
    assert {entry["purpose"] for entry in listed} == {"music", "stems"}


def test_a_download_without_consent_or_anybody_to_ask_does_nothing(run: Run, hub: list[str], models: Path) -> None:
    code, out, err = run("download", "musicgen-small")
    assert (code, out) == (1, "")
    assert f"licence   {WEIGHTS_LICENCE}" in err
    assert "facebook/musicgen-small" in err
    assert all(word in err for word in ("\n  download  about ", "\n  free  ", "\n  memory  ", str(models)))
    assert err.endswith("nur-studio: This needs your consent, and there is no terminal to ask on. `--yes` gives it.\n")
    assert hub == []


@pytest.mark.parametrize(
    ("answered", "agreed"), [("y\n", True), ("YES\n", True), ("\n", False), ("no\n", False), ("", False)]
)
def test_on_a_terminal_a_download_asks(
    run: Run, hub: list[str], models: Path, monkeypatch: pytest.MonkeyPatch, answered: str, agreed: bool
) -> None:
    asked: list[str] = []

    def person(question: str) -> bool:
        asked.append(question)
        return answered.strip().casefold() in ("y", "yes")

    monkeypatch.setattr("nur_studio.cli_models.confirmed", person)
    code, out, err = run("download", "small")
    assert asked == ["Download it and agree to the licence?"]
    assert (code, bool(hub)) == ((0, True) if agreed else (1, False))
    assert out == ("MusicGen small is ready: `nur-studio generate --engine musicgen-small PROMPT`.\n" if agreed else "")
    assert err.endswith("\n" if agreed else "nur-studio: Nothing was downloaded.\n")


@pytest.mark.skipif(os.name != "posix", reason="pseudo terminals")
@pytest.mark.parametrize(("answered", "agreed"), [(b"y\n", True), (b"Yes\n", True), (b"\n", False), (b"nope\n", False)])
def test_the_question_is_answered_at_the_terminal(answered: bytes, agreed: bool) -> None:
    import pty

    ours, theirs = pty.openpty()
    program = "import sys; from nur_studio.console import confirmed; sys.exit(7 if confirmed('Well?') else 8)"
    with subprocess.Popen([sys.executable, "-c", program], stdin=theirs, stderr=theirs) as process:
        os.close(theirs)
        os.write(ours, answered)
        assert process.wait(30) == (7 if agreed else 8)
    assert b"Well? [y/N] " in os.read(ours, 1000)
    os.close(ours)


def test_a_download_with_consent_is_verified_and_not_made_twice(run: Run, hub: list[str], models: Path) -> None:
    code, out, _ = run("download", "musicgen-small", "--yes", "--json")
    (state,) = json.loads(out)
    assert (code, state["name"], state["state"], state["missing_bytes"]) == (0, "musicgen-small", "ready", 0)
    assert run("verify")[:2] == (0, "musicgen-small: every file is as it came.\n")
    before = len(hub)
    assert run("download", "musicgen-small") == (0, f"MusicGen small is here already, in {models}.\n", "")
    assert len(hub) == before
    run("download", "musicgen-melody", "--yes")
    assert not any("t5-base" in path for path in hub[before:]), "what models share comes once"


def test_a_full_disk_is_told_before_anything_comes(
    run: Run, hub: list[str], monkeypatch: pytest.MonkeyPatch, models: Path
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1e12, 1e12, 1_000_000))
    code, _, err = run("download", "musicgen-small", "--yes")
    assert code == 1
    assert "free      1 MB in" in err
    assert "nur-studio: There is not enough room in" in err


def test_a_damaged_file_is_named(run: Run, models: Path) -> None:
    plant(models, SMALL)
    file = models / "t5-base" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    code, out, err = run("verify", "musicgen-small")
    assert (code, out) == (1, "")
    assert err.startswith(f"nur-studio: {file} is not what was downloaded or imported: its checksum differs.")
    assert err.count("\n") == 1


def test_removal_keeps_what_others_need(run: Run, models: Path) -> None:
    plant(models, SMALL)
    plant(models, MELODY)
    code, out, err = run("remove", "musicgen-small")
    assert (code, err) == (0, "")
    assert out.startswith("MusicGen small is gone: ")
    assert not (models / "musicgen-small").exists()
    assert (models / "t5-base").exists()
    assert run("remove", "musicgen-small") == (0, "MusicGen small was not here.\n", "")


@pytest.mark.parametrize(("fits", "words"), [(True, "it fits: 4.3 GB"), (False, "it does not fit: 4.3 GB")])
def test_a_forecast_is_told_in_words_or_json(run: Run, monkeypatch: pytest.MonkeyPatch, fits: bool, words: str) -> None:
    found = Forecast("musicgen-small", "CPU", "fp32", fits, 4_300_000_000, 605.2)
    monkeypatch.setattr(Studio, "forecast", lambda _, name, cancel: found if name == "musicgen-small" else None)
    code, out, err = run("forecast", "small")
    assert (code, err) == (0, "")
    assert out.startswith("musicgen-small on CPU in fp32:\n  a minute of music takes about 10:05 (min:s)\n")
    assert words in out
    assert json.loads(run("forecast", "small", "--json")[1]) == [asdict(found)]


def test_what_cannot_be_done_is_a_sentence(run: Run, tmp_path: Path) -> None:
    names = ", ".join(info.name for info in ALL_MODELS)
    for action in ("download", "verify", "remove"):
        assert run(action, "nope") == (2, "", f"nur-studio: There is no model 'nope'; known: {names}.\n")
    code, out, err = run("verify")
    assert (code, out) == (1, "")
    assert err.startswith("nur-studio: There is no model here to verify.")
    code, _, err = run("verify", "musicgen-small")
    assert (code, err.count("\n")) == (1, 1)
    assert run("import", "not there") == (2, "", "nur-studio: folder must be a folder that exists, not 'not there'.\n")
    (tmp_path / "empty").mkdir()
    code, out, err = run("import", tmp_path / "empty")
    assert (code, out, err.count("\n")) == (1, "", 1)


def test_consent_is_asked_of_a_person_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", open(os.devnull, encoding="utf-8"))  # noqa: PTH123, SIM115 - as a service has it
    with pytest.raises(Exception, match="no terminal to ask on"):
        console.confirmed("Well?")
    sys.stdin.close()
