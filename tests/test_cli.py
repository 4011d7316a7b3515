"""The command line: what it prints where, its exit codes, and that it dies tidily."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import fake_cli
import numpy as np
import psutil
import pytest
from fake_cli import Run

from nur_studio import __main__, __version__, cli, cli_words
from nur_studio.audio.files import audio_frames, read_audio
from nur_studio.core.mix import STEMS
from nur_studio.core.paths import Directories
from nur_studio.core.request import GenerationRequest
from nur_studio.core.settings import load_settings
from nur_studio.core.track import Status, is_track_id
from nur_studio.library.library import Library
from nur_studio.studio import Studio

pytestmark = pytest.mark.usefixtures("at_home")


@pytest.fixture(scope="module")
def made(home: Path) -> dict[str, Any]:
    """A take made by the command line as a program, as its JSON tells of it."""
    done = program(home, "generate", "Rainy night tape, jazzy Rhodes", "--duration", "5", "--tempo", "120",
                   "--seed", "7", "--json")  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    track: dict[str, Any] = json.loads(done.stdout)
    return track


def program(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, fake_cli.__file__, *arguments],
        capture_output=True, text=True, errors="replace", timeout=100,
        env={**os.environ, "NUR_STUDIO_HOME": str(home)},
    )  # fmt: skip


def started(home: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, fake_cli.__file__, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "NUR_STUDIO_HOME": str(home)}, start_new_session=True,
    )  # fmt: skip


def file_of(url: str) -> Path:
    return Path(unquote(urlparse(url).path))


# -- generate ----------------------------------------------------------------------------------------------------


def test_json_is_the_music_track_and_nothing_else(made: dict[str, Any]) -> None:
    assert is_track_id(made["id"])
    assert (made["status"], made["duration"], made["tempo"], made["seed"]) == ("completed", 5, 120, 7)
    assert file_of(made["audio_url"]).name == "Rainy night tape_120bpm_Am.mp3"
    assert audio_frames(file_of(made["download_url"])) == (5 * 44100, 44100)
    assert all(audio_frames(file_of(made["stems"][stem])) == (5 * 44100, 44100) for stem in STEMS)


def test_people_get_title_file_and_facts(run: Run, tmp_path: Path) -> None:
    out_file, stems = tmp_path / "beat.wav", tmp_path / "stems"
    code, out, err = run("generate", "slow piano", "--duration", "5", "--out", out_file, "--stems", stems)
    assert (code, err) == (0, "")
    title, path, stems_line, facts = out.splitlines()
    assert title.startswith("Slow piano  (trk_")
    assert path.strip() == str(out_file)
    assert stems_line.strip() == f"stems in {stems}"
    assert "BPM · A minor · 5 s · " in facts
    assert "LUFS" in facts
    assert "for tests" in facts, "the licence is always shown"
    assert audio_frames(out_file) == (5 * 44100, 44100)
    assert len(list(stems.glob("*.wav"))) == 4


def test_the_ending_decides_the_format_and_must_not_contradict(run: Run, tmp_path: Path) -> None:
    assert run("generate", "x", "--duration", "5", "--out", tmp_path / "a.ogg", "--json")[0] == 0
    assert (tmp_path / "a.ogg").read_bytes()[:4] == b"OggS"
    code, out, err = run("generate", "x", "--format", "mp3", "--out", tmp_path / "a.wav")
    assert (code, out) == (2, "")
    assert err.startswith("nur-studio: out must be a folder that exists, or a file ending in .mp3, not ")


def test_takes_become_files_a_and_b_and_a_json_list(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("generate", "x", "--duration", "5", "--takes", "2", "--out", tmp_path / "t.flac", "--json")
    assert code == 0
    tracks = json.loads(out)
    assert [t["take"] for t in tracks] == [1, 2]
    assert tracks[1]["seed"] == (tracks[0]["seed"] + 1) % 2**32
    assert sorted(p.name for p in tmp_path.iterdir()) == ["t_A.flac", "t_B.flac"]


def test_into_a_folder_it_has_a_name_for_people(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("generate", "slow piano", "--duration", "5", "--tempo", "70", "--out", tmp_path)
    assert code == 0
    (file,) = tmp_path.iterdir()
    assert file.name == "Slow piano_70bpm_Am.mp3"
    assert str(file) in out


@pytest.mark.parametrize(
    ("options", "request_"),
    [
        (("--duration", "4"), GenerationRequest("x", duration=4)),
        (("--duration", "abc"), GenerationRequest("x", duration="abc")),  # type: ignore[arg-type]
        (("--duration", "30.5"), GenerationRequest("x", duration="30.5")),  # type: ignore[arg-type]
        (("--tempo", "500"), GenerationRequest("x", tempo=500)),
        (("--format", "aiff"), GenerationRequest("x", output_format="aiff")),
        (("--seed", "-1"), GenerationRequest("x", seed=-1)),
        (("--takes", "99"), GenerationRequest("x", takes=99)),
        (("--genre", " "), GenerationRequest("x", genre=" ")),
    ],
)
def test_bad_input_is_the_cores_own_sentence(run: Run, options: tuple[str, str], request_: GenerationRequest) -> None:
    (fault,) = request_.faults()
    assert run("generate", "x", *options) == (2, "", f"nur-studio: {fault}\n")


def test_an_empty_prompt(run: Run) -> None:
    (fault,) = GenerationRequest(" ").faults()
    assert run("generate", " ") == (2, "", f"nur-studio: {fault}\n")


def test_the_precision_is_for_this_command_and_not_kept(home: Path) -> None:
    opened: list[Studio] = []

    def make_studio(directories: Directories) -> Studio:
        opened.append(fake_cli.make_studio(directories))
        return opened[0]

    assert cli.main(["generate", "x", "--engine", "nope", "--precision", "fast"], make_studio) == 2
    assert opened[0].settings.precision == "fast"
    assert load_settings(opened[0].directories.settings_file).precision == "auto"


def test_an_unknown_engine_lists_the_known(run: Run) -> None:
    code, out, err = run("generate", "x", "--engine", "nope")
    assert (code, out) == (2, "")
    assert err == "nur-studio: There is no engine 'nope'; known here: sketch, slow, loud, crashing, buggy, whole.\n"


def test_controls_an_engine_has_not_are_refused_before_any_work(run: Run, made: dict[str, Any]) -> None:
    count = len(json.loads(run("list", "--limit", "500", "--json")[1]))
    for options in (("--guidance", "4"), ("--section", "9:brass"), ("--continue", made["id"]), ("--count-in",)):
        code, out, err = run("generate", "x", "--duration", "5", *options)
        assert (code, out) == (1, "")
        assert err.startswith("nur-studio: Fake sketch cannot ")
        assert err.count("\n") == 1
    assert run("generate", "x", "--guidance", "99")[0] == 2
    assert len(json.loads(run("list", "--limit", "500", "--json")[1])) == count


def test_stems_of_an_engine_that_makes_none_are_refused_before_any_work(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake_cli, "SEPARATORS", ())
    said = run("generate", "x", "--duration", "5", "--engine", "Whole", "--stems", tmp_path / "stems")
    hint = "`nur-studio models download htdemucs` gets what makes them. Or leave --stems out."
    assert said == (1, "", f"nur-studio: Whole makes no stems. {hint}\n")
    assert not (tmp_path / "stems").exists()


def test_stems_come_from_a_separator_where_the_engine_makes_none(run: Run, tmp_path: Path) -> None:
    code, out, err = run(
        "generate", "x", "--duration", "5", "--engine", "whole", "--stems", tmp_path / "stems", "--json", "--quiet"
    )
    assert (code, err) == (0, "")
    track = json.loads(out)
    assert all(track["stems"].values())
    assert len(list((tmp_path / "stems").glob("*.wav"))) == 4
    assert "  stems by Apart, licence for tests too: drums, bass, vocals, other\n" in run("get", track["id"])[1]


def test_a_track_is_separated_by_its_id(run: Run, made: dict[str, Any], tmp_path: Path) -> None:
    code, out, err = run("separate", made["id"], "--quiet")
    assert (code, out) == (1, "")
    assert "are its own" in err
    assert "--force" in err
    code, out, err = run("separate", made["id"], "--force", "--quiet")
    assert (code, err) == (0, "")
    assert "stems by Apart, licence for tests too: drums, bass, vocals, other" in out
    assert json.loads(run("separate", made["id"], "--model", "APART", "--json", "--quiet")[1])["id"] == made["id"]
    assert run("separate", made["id"], "--model", "away")[2] == "nur-studio: Its weights are not here.\n"
    code, _, err = run("separate", made["id"], "--model", "nope")
    assert (code, err) == (2, "nur-studio: There is no separator 'nope'; known here: apart, away.\n")
    assert run("separate", "trk_nothinghere1")[0] == 2
    assert run("export", made["id"], "--part", "drums", "--out", tmp_path)[0] == 0


def test_what_a_model_was_told_and_a_note_are_shown(run: Run, made: dict[str, Any], home: Path) -> None:
    with closing(Library(home / "data" / "library")) as library:
        track = library.get(made["id"])
    recipe = {"note": "It was\nended early.", "details": {"descriptions": ["calm. bpm: 90", "brass. bpm: 90"]}}
    assert cli_words.note(replace(track, recipe=recipe)) == "It was ended early."
    assert cli_words.told(replace(track, recipe=recipe)) == "told the model: calm. bpm: 90; then brass. bpm: 90"
    assert cli_words.note(track) == cli_words.told(track) == ""


def test_a_folder_that_is_not_there_is_told_before_any_work(run: Run, home: Path, tmp_path: Path) -> None:
    count = len(json.loads(run("list", "--limit", "500", "--json")[1]))
    code, _, err = run("generate", "x", "--out", tmp_path / "no" / "x.wav")
    assert code == 2
    assert "out must be a file in a folder that exists" in err
    assert len(json.loads(run("list", "--limit", "500", "--json")[1])) == count


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--out", ""), "out must be a file or a folder, not ''"),
        (("--stems", " "), "stems must be a file or a folder, not ' '"),
        (("--out", "~nobody-of-this-name/x.wav"), "out must be a file in a folder that exists"),
        (("--out", f"{'x' * 300}.wav"), "out must be a place that can be used (File name too long)"),
        (("--out", "-"), "out must be a folder that exists, or a file ending in .mp3"),
        (("--stems", "pyproject.toml/stems"), "stems must be a folder"),
    ],
)
def test_odd_places_are_told_before_any_work(
    run: Run, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], words: str
) -> None:
    monkeypatch.chdir(Path(__file__).parent.parent)
    code, out, err = run("generate", "x", "--duration", "5", *options)
    assert (code, out) == (2, "")
    assert err.startswith(f"nur-studio: {words}")


def test_a_folder_that_may_not_be_written_is_told_before_any_work(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    for option, words in (("--out", "a file in a folder that may be written"), ("--stems", "a folder that may be")):
        code, _, err = run("generate", "x", "--duration", "5", option, tmp_path)
        assert code == 2
        assert words in err


def test_a_take_that_cannot_be_written_out_is_kept_and_named(run: Run, tmp_path: Path) -> None:
    out = tmp_path / ("x" * 251 + ".wav")  # as long as a name may be, without the letter of the take
    code, _, err = run("generate", "kept all the same", "--duration", "5", "--takes", "2", "--out", out)
    assert code == 1
    assert "The take is kept: `nur-studio export trk_" in err
    kept = json.loads(run("list", "kept all the same", "--json")[1])
    assert [track["status"] for track in kept] == ["completed", "completed"]


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1000001", "9" * 30])
def test_a_limit_has_a_range(run: Run, limit: str) -> None:
    code, out, err = run("list", "--limit", limit)
    assert (code, out) == (2, "")
    assert err.startswith("nur-studio: limit must be a whole number from 1 to 1000000, not ")


def test_words_in_no_encoding(run: Run) -> None:
    assert run("list", "\udcff")[0] == 0
    assert run("get", "\udcff")[0] == 2
    code, _, err = run("generate", "a\udcff")
    assert (code, err) == (2, "nur-studio: prompt must be text in the system's own encoding, not 'a\\udcff'.\n")


@pytest.mark.parametrize(("arguments", "words"), [
    (("frobnicate",), "Argument COMMAND: invalid choice: 'frobnicate'"),
    (("generate",), "The following arguments are required: PROMPT"),
    (("get",), "The following arguments are required: ID"),
])  # fmt: skip
def test_bad_usage_is_one_line_and_exit_code_2(run: Run, arguments: tuple[str, ...], words: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"nur-studio: {words}")
    assert err.count("\n") == 1
    assert "--help" in err


def test_a_crash_of_the_engine_is_a_sentence_and_exit_code_1(run: Run) -> None:
    code, out, err = run("generate", "doomed", "--duration", "5", "--engine", "crashing")
    assert (code, out) == (1, "")
    assert err.startswith("nur-studio: The engine stopped unexpectedly (killed by signal 9, SIGKILL). ")
    assert err.count("\n") == 1


def test_a_fault_of_ours_is_a_sentence_with_the_log(
    capsys: pytest.CaptureFixture[str], home: Path, made: dict[str, Any]
) -> None:
    def broken(_: object) -> Studio:
        raise ZeroDivisionError("oh")

    assert cli.main(["list"], broken) == 1
    err = capsys.readouterr().err
    assert err.startswith("nur-studio: The studio met a fault of its own (ZeroDivisionError: oh). The details are in ")
    assert "Traceback" in (home / "log" / "studio.log").read_text()


def test_what_an_engine_prints_does_not_spoil_the_json(home: Path) -> None:
    done = program(home, "generate", "x", "--duration", "5", "--engine", "loud", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["engine"] == "loud"


# -- list, get, export, engines ----------------------------------------------------------------------------------


def test_list_finds_and_shows(run: Run, made: dict[str, Any]) -> None:
    code, out, err = run("list", "rainy", "tape")
    assert (code, err) == (0, "")
    (line,) = out.splitlines()
    assert line.startswith(made["id"])
    assert "120 BPM" in line
    assert line.endswith("Rainy night tape")
    code, out, err = run("list", "nothing of that kind", "--json")
    assert (code, json.loads(out)) == (0, [])
    assert run("list", "nothing of that kind")[1:] == ("", "Nothing found.\n")


def test_get_shows_everything(run: Run, made: dict[str, Any]) -> None:
    code, out, _ = run("get", made["id"])
    assert code == 0
    for expected in (made["id"], "Rainy night tape", "seed 7", "120 BPM", "for tests", "masters in", ".mp3"):
        assert expected in out
    code, out, _ = run("get", made["id"], "--json")
    assert (code, json.loads(out)) == (0, made)


@pytest.mark.parametrize("bad", ["trk_000000000000", "../../x", ""])
def test_an_unknown_id(run: Run, bad: str) -> None:
    for command in ("get", "export"):
        code, out, err = run(command, bad)
        assert (code, out) == (2, "")
        assert err == f"nur-studio: There is no track {bad!r} in the library. `nur-studio list` shows what is there.\n"


@pytest.mark.parametrize(
    ("options", "name", "subtype"),
    [
        (("--format", "wav"), "Rainy night tape_120bpm_Am.wav", "PCM_24"),
        (("--format", "wav", "--bits", "16", "--part", "bass"), "Rainy night tape_120bpm_Am_bass.wav", "PCM_16"),
        (("--format", "wav", "--bits", "32"), "Rainy night tape_120bpm_Am.wav", "FLOAT"),
        (("--format", "flac", "--bits", "16"), "Rainy night tape_120bpm_Am.flac", "PCM_16"),
        ((), "Rainy night tape_120bpm_Am.mp3", "MPEG_LAYER_III"),
    ],
)
def test_export_into_a_folder(
    run: Run, made: dict[str, Any], tmp_path: Path, options: tuple[str, ...], name: str, subtype: str
) -> None:
    import soundfile

    code, out, err = run("export", made["id"], "--out", tmp_path, *options)
    assert (code, out, err) == (0, f"{tmp_path / name}\n", "")
    assert soundfile.info(tmp_path / name).subtype == subtype
    assert audio_frames(tmp_path / name) == (5 * 44100, 44100)


def test_export_of_all_stems(run: Run, made: dict[str, Any], tmp_path: Path) -> None:
    code, out, _ = run("export", made["id"], "--part", "stems", "--format", "flac", "--out", tmp_path / "s")
    assert code == 0
    assert [Path(line).exists() for line in out.splitlines()] == [True] * 4
    code, out, _ = run("export", made["id"], "--part", "stems", "--out", tmp_path / "w")
    assert code == 0
    assert len(list((tmp_path / "w").glob("*.wav"))) == 4, "an mp3 take gives stems to work on"


def test_export_refuses_what_no_file_can_hold(run: Run, made: dict[str, Any], tmp_path: Path) -> None:
    code, _, err = run("export", made["id"], "--format", "mp3", "--bits", "24", "--out", tmp_path)
    assert (code, err) == (2, "nur-studio: bits must be left out for mp3, not 24.\n")
    code, _, err = run("export", made["id"], "--format", "flac", "--bits", "32", "--out", tmp_path)
    assert (code, err) == (2, "nur-studio: bits must be 16 or 24 for flac, not 32.\n")


def test_engines(run: Run) -> None:
    code, out, _ = run("engines")
    assert code == 0
    assert "sketch: Fake sketch" in out
    assert "licence of the music: for tests" in out
    names = [engine["name"] for engine in json.loads(run("engines", "--json")[1])]
    assert names == ["sketch", "slow", "loud", "crashing", "buggy", "whole"]
    first = json.loads(run("engines", "--json")[1])[0]
    assert (first["sellable"], first["can"], first["licence"]) == (True, [], "for tests")


def test_help_and_version(run: Run) -> None:
    assert run("--version") == (0, f"nur-studio {__version__}\n", "")
    code, out, _ = run("--help")
    assert code == 0
    for command in ("generate", "list", "get", "export", "engines", "models", "doctor"):
        assert command in out


# -- on a terminal, and killed -----------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="pseudo terminals")
def test_progress_is_drawn_on_a_terminal_only_and_not_when_quiet(home: Path) -> None:
    import pty
    import termios

    def drawn(*options: str) -> str:
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (25, 100))
        env = {**os.environ, "NUR_STUDIO_HOME": str(home), "TERM": "xterm"}
        command = [sys.executable, fake_cli.__file__, "generate", "x", "--duration", "5", *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, env=env) as process:
            os.close(theirs)
            seen = b""
            with open(ours, "rb", buffering=0) as terminal:  # noqa: PTH123 - a descriptor, no path
                try:
                    while part := terminal.read(4096):
                        seen += part
                except OSError:  # Linux's way to say that the other end is closed
                    pass
            assert process.wait() == 0
            assert process.stdout is not None
            assert b"trk_" in process.stdout.read()
        return seen.decode()

    assert "%" in drawn()
    assert drawn("--quiet") == ""


def unfinished(home: Path, within_s: float = 30.0) -> str:
    """The id of the track that another process is making, once its engine works on it."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        previews = list((home / "data" / "library" / "staging").glob("*/preview.f32"))
        if previews:
            return previews[0].parent.name
        time.sleep(0.05)
    raise AssertionError("no generation began")


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
@pytest.mark.parametrize(
    ("number", "to_all", "code"),
    [(signal.SIGINT, True, 130), (signal.SIGTERM, False, 143), (signal.SIGTERM, True, 143), (signal.SIGHUP, True, 129)],
)
def test_an_interrupt_is_tidy(tmp_path: Path, number: signal.Signals, to_all: bool, code: int) -> None:
    """To all: a terminal's Ctrl+C reaches the engine process too, and so does a shutdown."""
    process = started(tmp_path, "generate", "x", "--engine", "slow", "--duration", "5")
    with process:
        track_id = unfinished(tmp_path)
        os.killpg(process.pid, number) if to_all else process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (code, "", "")
    with closing(Library(tmp_path / "data" / "library")) as library:
        assert library.count() == 0
    assert not (tmp_path / "data" / "library" / "staging" / track_id).exists()


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_killed_in_mid_generation_the_next_start_tells_why(tmp_path: Path) -> None:
    process = started(tmp_path, "generate", "x", "--engine", "slow", "--duration", "5")
    with process:
        track_id = unfinished(tmp_path)
        with closing(Library(tmp_path / "data" / "library")) as library:
            assert library.get(track_id).status is Status.PROCESSING, "a living process is left alone"
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.communicate()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    with closing(Library(tmp_path / "data" / "library")) as library:
        track = library.get(track_id)
    assert track.status is Status.FAILED
    assert track.error == "The studio stopped while this take was being made."
    assert list((tmp_path / "data" / "library" / "staging").iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_ctrl_c_while_modules_are_loaded_is_quiet(tmp_path: Path) -> None:
    code = "import sys; sys.modules['nur_studio.cli'] = None\n"
    code += "import builtins, nur_studio.__main__ as m; real = builtins.__import__\n"
    code += "def stop(name, *rest):\n if name == 'nur_studio': raise KeyboardInterrupt\n return real(name, *rest)\n"
    code += "builtins.__import__ = stop; sys.exit(m.main(['list']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


# -- streams that are not what one hopes for ---------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="a shell")
@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&- <&-"])
def test_it_works_without_standard_streams(made: dict[str, Any], home: Path, tmp_path: Path, closed: str) -> None:
    out = tmp_path / "x.wav"
    done = shell(home, f"generate x --duration 5 --out '{out}' {closed}")
    assert done.returncode == 0
    assert audio_frames(out) == (5 * 44100, 44100)


@pytest.mark.skipif(os.name != "posix", reason="a shell")
def test_a_reader_that_leaves_is_no_fault_and_a_full_disk_is_a_sentence(made: dict[str, Any], home: Path) -> None:
    done = shell(home, "list --json | (exec <&-; sleep 1); exit ${PIPESTATUS[0]}")
    assert (done.returncode, done.stderr) == (0, "")
    if Path("/dev/full").exists():
        done = shell(home, "list > /dev/full")
        sentence = "The answer cannot be written to standard output: No space left on device."
        assert (done.returncode, done.stderr) == (1, f"nur-studio: {sentence}\n")


@pytest.fixture(scope="module")
def foreign(home: Path) -> None:
    done = program(home, "generate", "🎹 Émile\x1b[2J", "--duration", "5")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.usefixtures("foreign")
@pytest.mark.parametrize("encoding", ["ascii", "ascii:surrogateescape", "latin-1"])
def test_a_terminal_that_cannot_show_everything(home: Path, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    done = program(home, "list", "emile")
    assert (done.returncode, done.stderr) == (0, "")
    assert "?" in done.stdout
    assert "\x1b" not in done.stdout
    (track,) = json.loads(program(home, "list", "emile", "--json").stdout)
    assert track["title"] == "🎹 Émile [2J"
    assert program(home, "generate", "--help").returncode == 0


def shell(home: Path, command: str) -> subprocess.CompletedProcess[str]:
    line = f"'{sys.executable}' '{fake_cli.__file__}' {command}"
    env = {**os.environ, "NUR_STUDIO_HOME": str(home)}
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=100, env=env)


# -- the way in --------------------------------------------------------------------------------------------------


def test_arguments_are_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["engines"]) == 0
    assert "sketch: Sketch" in capsys.readouterr().out


def test_a_window_that_cannot_load_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setitem(sys.modules, "nur_studio.gui.app", None)
    assert __main__.main([]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("nur-studio: The window cannot open: ")
    assert "install" in err
    assert err.count("\n") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display")
def test_without_a_display_the_window_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert __main__.main([]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("nur-studio: The window cannot open: there is no display. `nur-studio generate PROMPT`")


def test_the_real_thing_from_words_to_files(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nur_studio", "generate", "calm jazz piano trio at 96 bpm", "--duration", "6",
               "--seed", "11", "--format", "flac", "--json"]  # fmt: skip
    made = []
    for name in ("first", "second"):
        env = {**os.environ, "NUR_STUDIO_HOME": str(tmp_path / name)}
        done = subprocess.run(command, capture_output=True, text=True, timeout=110, env=env)
        assert (done.returncode, done.stderr) == (0, "")
        made.append(json.loads(done.stdout))
    first = made[0]
    assert (first["genre"], first["tempo"], first["engine"]) == ("jazz", 96, "sketch")
    assert first["licence"].startswith("royalty-free")
    assert -15.0 <= first["loudness_lufs"] <= -13.0
    assert first["true_peak_dbtp"] <= -1.0
    mix, rate = read_audio(file_of(first["download_url"]))
    assert (mix.shape, rate) == ((6 * 44100, 2), 44100)
    stems = sum(read_audio(file_of(url))[0].astype(np.float64) for url in first["stems"].values())
    np.testing.assert_allclose(stems, mix, atol=4 * 2**-23)
    again, _ = read_audio(file_of(made[1]["download_url"]))
    np.testing.assert_array_equal(mix, again)


def test_the_command_line_starts_without_what_is_heavy() -> None:
    heavy = ("scipy", "soxr", "torch", "pyloudnorm", "PySide6", "sounddevice", "tqdm")
    code = f"import sys, nur_studio.__main__, nur_studio.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
