"""The doctor on this machine, and on machines that lack something."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import fake_engine
import pytest
from planted_models import plant

from nur_studio import cli, doctor
from nur_studio.core.logs import stop_log
from nur_studio.core.paths import Directories
from nur_studio.engines.models import WEIGHTS_LICENCE, model
from nur_studio.library.library import DATABASE_NAME, Library

FAKE = (fake_engine.info("fake"),)


def named(checks: list[doctor.Check]) -> dict[str, doctor.Check]:
    return {check.name: check for check in checks}


def test_this_machine_can_make_music(tmp_path: Path) -> None:
    checks = named(doctor.examine(Directories.below(tmp_path), FAKE))
    assert list(checks) == [
        "Python", "Libraries", "Disk", "Library", "Engine fake", "Weights", "Stems", "GPU", "Audio output", "Import",
        "Window",
    ]  # fmt: skip
    assert doctor.can_make_music(list(checks.values()))
    for vital in ("Python", "Libraries", "Library", "Engine fake"):
        assert (checks[vital].level, checks[vital].vital) == (doctor.OK, True)
    assert checks["Engine fake"].finding.startswith("made 5 s of music in ")
    assert checks["Weights"].finding.startswith("none here, and Sketch needs none; ")
    assert all(check.mend for check in checks.values() if check.level != doctor.OK)


def test_it_leaves_nothing_behind(tmp_path: Path) -> None:
    directories = Directories.below(tmp_path)
    doctor._engine(FAKE[0], directories)
    doctor._library(directories)
    with closing(Library(directories.library)) as library:
        assert library.count() == 0
    assert [p.name for p in directories.log.iterdir()] == ["engine.log"]


@pytest.mark.parametrize("fault", ["kill", "bug", "memory", "sentence"])
def test_an_engine_that_fails_is_vital(tmp_path: Path, fault: str) -> None:
    check = doctor._engine(fake_engine.info("bad", fault=fault), Directories.below(tmp_path))
    assert (check.level, check.vital) == (doctor.FAIL, True)
    assert check.mend
    assert not doctor.can_make_music([check])


def test_an_engine_that_cannot_run_here_is_only_a_warning(tmp_path: Path) -> None:
    check = doctor._engine(replace(FAKE[0], why_not="No weights."), Directories.below(tmp_path))
    assert (check.level, check.finding) == (doctor.WARN, "No weights.")
    assert doctor.can_make_music([check])


def test_a_damaged_library_is_told(tmp_path: Path) -> None:
    directories = Directories.below(tmp_path)
    directories.library.mkdir(parents=True)
    (directories.library / DATABASE_NAME).write_bytes(b"scribble " * 1000)
    check = doctor._library(directories)
    assert (check.level, check.vital) == (doctor.FAIL, True)
    assert "not a library" in check.finding


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    for free, level in ((50e6, doctor.FAIL), (1e9, doctor.WARN), (50e9, doctor.OK)):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: usage(1e12, 1e12 - free, free))
        check = doctor._disk(tmp_path / "not" / "made" / "yet")
        assert check.level == level
        assert doctor.can_make_music([check]) == (level != doctor.FAIL)


def test_a_missing_library_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LIBRARIES", ("numpy", "no-such-library"))
    check = doctor._libraries()
    assert (check.level, check.finding, check.mend) == (
        doctor.FAIL, "missing: no-such-library", f"{sys.executable} -m pip install no-such-library",
    )  # fmt: skip


def test_a_damaged_library_does_not_keep_the_doctor_from_its_work(tmp_path: Path) -> None:
    for name in ("numpy", "soundfile"):
        (tmp_path / name).with_suffix(".py").write_text("raise OSError('libsndfile.so: cannot open shared object')")
    env = {**os.environ, "PYTHONPATH": str(tmp_path), "NUR_STUDIO_HOME": str(tmp_path / "home")}
    program = [sys.executable, "-m", "nur_studio"]
    done = subprocess.run([*program, "doctor", "--json"], capture_output=True, text=True, env=env, timeout=100)
    assert (done.returncode, done.stderr) == (1, "")
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    assert "soundfile cannot be loaded (OSError: libsndfile.so" in checks["Libraries"]["finding"]
    mend = "-m pip install --force-reinstall "
    assert mend in checks["Libraries"]["mend"]
    assert "soundfile" in checks["Libraries"]["mend"].partition(mend)[2].split()
    done = subprocess.run([*program, "list"], capture_output=True, text=True, env=env, timeout=100)
    assert done.returncode == 1
    assert done.stderr.startswith("nur-studio: The studio cannot start: libsndfile.so: cannot open shared object.")
    assert done.stderr.endswith("`nur-studio doctor` says what mends it.\n")


def test_the_windows_libraries_are_those_the_setup_installs() -> None:
    packaging = Path(__file__).parent.parent / "packaging"
    code = "import system_packages as s; print(*(n.package for n in s.needs() if n.purpose == s.WINDOW))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=packaging)
    assert sorted(doctor._LINUX_WINDOW.split()) == sorted(done.stdout.split())


def test_music_outside_the_list_is_told(tmp_path: Path) -> None:
    directories = Directories.below(tmp_path)
    (directories.library / "tracks" / "trk_0123456789ab").mkdir(parents=True)
    check = doctor._library(directories)
    assert (check.level, check.vital) == (doctor.WARN, False)
    assert "1 folders of music are not in the list: trk_0123456789ab" in check.finding
    assert check.mend


def test_no_sound_library_and_no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_probe", lambda _: "OSError: PortAudio library not found")
    check = doctor._sound()
    assert (check.level, check.vital) == (doctor.WARN, False)
    assert "PortAudio library not found" in check.finding
    assert sys.platform != "linux" or "libportaudio2" in check.mend
    monkeypatch.setattr(doctor, "_probe", lambda _: {"count": 0, "default": ""})
    assert "no output device" in doctor._sound().finding
    monkeypatch.setattr(doctor, "_probe", lambda _: {"count": 2, "default": "Speakers"})
    assert doctor._sound() == doctor.Check("Audio output", doctor.OK, "Speakers (2 devices)")


def test_a_window_that_lacks_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_probe", lambda _: "ImportError: libEGL.so.1: cannot open shared object file")
    check = doctor._window()
    assert check.level == doctor.WARN
    assert "libEGL.so.1" in check.finding
    assert check.mend == doctor.WINDOW_MEND


CPU = {"torch": "2.9", "kind": "cpu", "title": "CPU", "memory_bytes": 8 * 10**9, "precision": "fp32"}
CUDA = {"torch": "2.9", "kind": "cuda", "title": "NVIDIA H100", "memory_bytes": 80 * 10**9, "precision": "bf16"}


@pytest.mark.parametrize(
    ("found", "card", "level", "words"),
    [
        ({}, "", doctor.OK, "no NVIDIA driver, PyTorch not installed"),
        ({}, "NVIDIA H100", doctor.OK, "NVIDIA H100, PyTorch not installed"),
        (CUDA, "NVIDIA H100", doctor.OK, "NVIDIA H100, 80.0 GB, bf16, PyTorch 2.9"),
        (CPU, "", doctor.OK, "none used: MusicGen computes on the CPU, 8.0 GB, fp32, slowly, PyTorch 2.9"),
        (CPU, "NVIDIA H100", doctor.WARN, "cannot use it"),
        ({"torch": "2.9", "fault": "CUDA was chosen."}, "NVIDIA H100", doctor.WARN, "cannot use it"),
        ({"torch": "2.9", "fault": "MPS was chosen."}, "", doctor.WARN, "MPS was chosen."),
        ("ImportError: libtorch.so", "", doctor.WARN, "PyTorch is damaged (ImportError: libtorch.so)"),
    ],
)
def test_graphics(
    monkeypatch: pytest.MonkeyPatch, found: dict[str, object] | str, card: str, level: str, words: str
) -> None:
    monkeypatch.setattr(doctor, "_probe", lambda _: found)
    monkeypatch.setattr(doctor, "_nvidia", lambda: card)
    check = doctor._graphics()
    assert (check.level, bool(check.mend)) == (level, level == doctor.WARN)
    assert words in check.finding
    assert "Sketch needs neither" in check.finding


def test_the_cpu_chosen_on_a_machine_with_a_card_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_probe", lambda _: CPU)
    monkeypatch.setattr(doctor, "_nvidia", lambda: "NVIDIA H100")
    assert doctor._graphics("cpu").level == doctor.OK


def test_weights_that_are_here_are_told_with_their_licence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directories = Directories.below(tmp_path)
    plant(directories.models, model("musicgen-small"))
    check = doctor._weights(directories)
    assert (check.level, check.mend) == (doctor.OK, "")
    assert check.finding == f"musicgen-small in {directories.models}; {WEIGHTS_LICENCE}"
    monkeypatch.setattr(doctor, "MODEL_LIBRARIES", ("torch", "no_such_library"))
    check = doctor._weights(directories)
    assert check.level == doctor.WARN
    assert check.finding.endswith("MusicGen cannot run without no_such_library")
    assert check.mend.endswith("packaging/bootstrap.py setup --with-models")
    shutil.rmtree(directories.models / "t5-base")
    check = doctor._weights(directories)
    assert (check.level, check.mend) == (doctor.WARN, "nur-studio models download musicgen-small")
    assert "t5-base is missing" in check.finding


def test_a_probe_gives_json_or_the_last_line_of_the_error() -> None:
    assert doctor._probe("print('chatter'); print('{\"a\": 1}')") == {"a": 1}
    assert doctor._probe("raise OSError('no sound')") == "OSError: no sound"
    assert doctor._probe("import os; os._exit(3)") == "exit code 3"

    def sleepy(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("python", 1.0)

    assert "no answer" in str(doctor._probe("", sleepy))


def test_the_command_prints_a_table_or_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checks = [
        doctor.Check("Python", doctor.OK, "3.13.1", vital=True),
        doctor.Check("Audio output", doctor.WARN, "no output device", "plug one in"),
    ]
    monkeypatch.setenv("NUR_STUDIO_HOME", str(tmp_path))
    monkeypatch.setattr(doctor, "examine", lambda _: checks)
    assert cli.main(["doctor"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].split() == ["OK", "Python", "3.13.1"]
    assert out[1].split(maxsplit=3)[0] == "WARN"
    assert out[2].strip() == "mend it with: plug one in"
    checks[0] = replace(checks[0], level=doctor.FAIL)
    assert cli.main(["doctor", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)[0] == {
        "name": "Python", "level": "fail", "finding": "3.13.1", "mend": "", "vital": True,
    }  # fmt: skip
    stop_log()
