"""A real mouse drags out of the real window into another program, on a screen of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import mido
import numpy as np
import pytest
import soundfile

from nur_studio.core.mix import STEMS

TESTS = Path(__file__).resolve().parents[1]
TOOLS = ("Xvfb", "xdotool")
FRAMES = 5 * 44100
TITLE = "Rainy night tape_85bpm_Am"
COPY = 1  # Qt.DropAction.CopyAction
TARGET = (1150, 100, 400, 500)  # beside the studio's window

pytestmark = [
    pytest.mark.x11,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X11 is Linux's affair"),
    pytest.mark.skipif(
        not os.environ.get("CI") and not all(shutil.which(tool) for tool in TOOLS),
        reason="needs Xvfb and xdotool: packaging/bootstrap.py test installs them",
    ),
]

T = TypeVar("T")


def wait_for(what: Callable[[], T | None], seconds: float, complaint: Callable[[], str]) -> T:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = what()
        if found is not None:
            return found
        time.sleep(0.05)
    raise AssertionError(complaint())


@contextlib.contextmanager
def program(command: Sequence[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        running = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(10)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


@contextlib.contextmanager
def private_screen() -> Iterator[str]:
    """An X server of one's own; yields its DISPLAY."""
    listening, telling = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(telling), "-screen", "0", "1600x900x24", "-nolisten", "tcp"],
        pass_fds=[telling],
        stderr=subprocess.DEVNULL,
    )
    os.close(telling)
    try:
        with os.fdopen(listening) as number:
            yield f":{int(number.readline())}"
    finally:
        server.terminate()
        server.wait()


@dataclass
class Desk:
    """A screen with the studio's window on it."""

    environment: dict[str, str]
    places: dict[str, Any]
    report: Path  # of the other program, a line for each thing it was told
    heard: int = 0

    def xdotool(self, *words: object) -> None:
        subprocess.run(["xdotool", *map(str, words)], env=self.environment, check=True, timeout=20)

    def drag(self, start: Sequence[int], end: Sequence[int], keys: Sequence[str] = ()) -> None:
        """Take hold at `start`, let go at `end`, in the small steps of a hand."""
        steps = np.linspace(start, end, 8).round().astype(int)
        self.xdotool("mousemove", *start)
        for key in keys:
            self.xdotool("keydown", key)
        self.xdotool("mousedown", 1)
        self.xdotool("mousemove", start[0] + 8, start[1])
        self.xdotool("mousemove", start[0] + 16, start[1] + 2)
        time.sleep(0.4)
        for x, y in steps[1:]:
            self.xdotool("mousemove", x, y)
            time.sleep(0.1)
        time.sleep(0.4)
        self.xdotool("mouseup", 1)
        for key in keys:
            self.xdotool("keyup", key)

    def told(self) -> dict[str, Any] | None:
        """What the other program was given last, the first time one asks; None as long as there is nothing new."""
        lines = self.report.read_text("utf-8").splitlines(keepends=True) if self.report.exists() else []
        if len(lines) <= self.heard or not lines[self.heard].endswith("\n"):
            return None
        self.heard += 1
        return json.loads(lines[self.heard - 1])

    def drop(self, place: str, keys: Sequence[str] = ()) -> dict[str, Any]:
        """Drag what is at `place` onto another program; what that program says it was given."""
        self.drag(self.places[place], (TARGET[0] + 200, TARGET[1] + 250), keys)
        return wait_for(self.told, 10, lambda: f"nothing was dropped: {self.report.with_suffix('.log').read_text()}")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("drag")
    places, log = folder / "places.json", folder / "studio.log"
    silent = folder / "asound.conf"
    silent.write_text("pcm.!default { type null }\n")
    with private_screen() as display:
        environment = {k: v for k, v in os.environ.items() if k not in ("WAYLAND_DISPLAY", "QT_SCALE_FACTOR")}
        environment |= {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb", "ALSA_CONFIG_PATH": str(silent)}
        command = [sys.executable, str(TESTS / "drag_source.py"), str(folder / "home"), str(places)]
        with program(command, environment, log):
            wait_for(
                lambda: True if places.exists() else None, 60, lambda: f"the window did not open: {log.read_text()}"
            )
            desk = Desk(environment, json.loads(places.read_text("utf-8")), folder / "report.jsonl")
            target = [sys.executable, str(TESTS / "drop_target.py"), str(desk.report), *map(str, TARGET)]
            told = desk.report.with_suffix(".log")
            with program(target, environment, told):
                wait_for(desk.told, 20, lambda: f"the drop target did not start: {told.read_text()}")
                time.sleep(0.5)  # until both are on the screen
                yield desk


def assert_whole_copies(given: dict[str, Any], names: Sequence[str], masters: Sequence[Path]) -> None:
    """What arrived: existing, finished audio under these names, equal to these masters, to be copied and not moved."""
    assert given["proposed"] == "CopyAction"
    assert given["possible"] == COPY
    assert "text/uri-list" in given["formats"]
    paths = [Path(path) for path in given["paths"]]
    assert [path.name for path in paths] == list(names)
    assert [Path(unquote(urlsplit(url).path)) for url in given["urls"]] == paths
    for path, size, master in zip(paths, given["sizes"], masters, strict=True):
        assert path.stat().st_size == size > 0  # the file was as long when it was dropped as it is now
        audio, sample_rate = soundfile.read(path, dtype="int32", always_2d=True)
        assert (sample_rate, audio.shape) == (44100, (FRAMES, 2))
        assert soundfile.info(path).subtype == "PCM_24"
        np.testing.assert_array_equal(audio, soundfile.read(master, dtype="int32", always_2d=True)[0])


def test_a_lane_handle_hands_over_its_stem(desk: Desk) -> None:
    given = desk.drop("lane")
    master = Path(desk.places["folder"]) / "stems" / "drums.flac"
    assert_whole_copies(given, [f"{TITLE}_drums.wav"], [master])
    assert np.abs(soundfile.read(given["paths"][0])[0]).max() > 0.1


def test_the_waveform_with_ctrl_hands_over_the_mix(desk: Desk) -> None:
    given = desk.drop("wave", keys=["ctrl"])
    assert_whole_copies(given, [f"{TITLE}.wav"], [Path(desk.places["folder"]) / "mix.flac"])


def test_the_buttons_hand_over_the_mix_and_all_stems(desk: Desk) -> None:
    folder = Path(desk.places["folder"])
    assert_whole_copies(desk.drop("mix"), [f"{TITLE}.wav"], [folder / "mix.flac"])
    assert_whole_copies(
        desk.drop("stems"),
        [f"{TITLE}_{stem}.wav" for stem in STEMS],
        [folder / "stems" / f"{stem}.flac" for stem in STEMS],
    )


def test_the_marked_region_hands_over_that_part(desk: Desk) -> None:
    given = desk.drop("region")
    (path,) = map(Path, given["paths"])
    assert (given["possible"], path.name) == (COPY, f"{TITLE}_0.00s-2.00s.wav")
    master = soundfile.read(Path(desk.places["folder"]) / "mix.flac", dtype="int32", always_2d=True)[0]
    np.testing.assert_array_equal(soundfile.read(path, dtype="int32", always_2d=True)[0], master[: 2 * 44100])


def test_the_foot_of_the_handle_hands_over_the_notes(desk: Desk) -> None:
    given = desk.drop("notes")
    (path,) = map(Path, given["paths"])
    assert (given["possible"], path.name) == (COPY, f"{TITLE}.mid")
    assert [track.name for track in mido.MidiFile(path).tracks] == ["Rainy night tape", "Bass"]


def test_a_library_row_hands_over_the_mix_and_with_shift_the_stems(desk: Desk) -> None:
    given = desk.drop("row")
    assert_whole_copies(given, [f"{TITLE}.wav"], [Path(desk.places["folder"]) / "mix.flac"])
    given = desk.drop("row", keys=["shift"])
    folder = Path(desk.places["folder"]) / "stems"
    assert_whole_copies(given, [f"{TITLE}_{stem}.wav" for stem in STEMS], [folder / f"{stem}.flac" for stem in STEMS])
