"""Fixtures for many tests: sound cards of paper for what is to be heard, and a home for the command line."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Iterator
from pathlib import Path

import fake_cli
import fake_server
import pytest
from paper_sound_card import PaperSoundCard, PulseCapture, alsa_config, has_pulse

from nur_studio.core.logs import stop_log
from nur_studio.engines.remote import listing


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """A machine that is busy with tests may take its time to answer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "PATIENCE_S", 60.0)
        yield


_COLLECTIONS = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def no_collecting_elsewhere() -> Iterator[None]:
    """What a test leaves of a window is never destroyed by another thread: see `nur_studio.gui.sweeper`."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(autouse=True)
def collecting_here(no_collecting_elsewhere: None) -> Iterator[None]:
    yield
    gc.collect(2 if next(_COLLECTIONS) % 100 == 0 else 1)


@pytest.fixture
def paper_sound_card(tmp_path: Path) -> Iterator[PaperSoundCard]:
    """The only sound card there is: as fast as it gets, captured bit for bit."""
    folder = tmp_path / "paper"
    folder.mkdir()
    card = PaperSoundCard(folder)
    with alsa_config(card.config):
        yield card


@pytest.fixture
def pulse_capture(tmp_path: Path) -> Iterator[PulseCapture]:
    """The only sound card there is: a private PulseAudio in real time. Mark such tests `realtime`."""
    if not has_pulse():
        pytest.skip("needs pulseaudio, pulseaudio-utils and libasound2-plugins")
    folder = tmp_path / "pulse"
    folder.mkdir()
    capture = PulseCapture(folder)
    capture.plug_in()
    try:
        with alsa_config(capture.config):
            yield capture
    finally:
        capture.unplug()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the studio of a module's tests keeps everything; `at_home` makes it so."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[fake_server.Server]:
    """A server of the reference over fake engines, with a library of its own that tests fill."""
    with (
        fake_server.make_studio(tmp_path_factory.mktemp("server")) as studio,
        fake_server.serving(studio) as running,
    ):
        yield running


@pytest.fixture
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("NUR_STUDIO_HOME", str(home))
    yield
    stop_log()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> fake_cli.Run:
    """Run a command in this process, with the fake engine: exit code, standard output, standard error."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        code = fake_cli.run(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return call
