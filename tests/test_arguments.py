"""What the command line makes of controls: sections, references, numbers; and what it refuses in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from nur_studio.arguments import controls_of, parser
from nur_studio.core.controls import Controls, Reference, SectionPrompt
from nur_studio.core.errors import InvalidRequest
from nur_studio.core.request import GenerationRequest

TRACK = "trk_0123456789ab"


def controls(*options: str) -> Controls:
    return controls_of(parser().parse_args(["generate", "x", *options]))


def test_nothing_asked_is_what_the_model_was_published_with() -> None:
    assert controls() == Controls()


def test_every_control_has_its_option() -> None:
    asked = controls(
        "--describe", "lo-fi. bpm: 82.", "--negative", "noise", "--guidance", "4.5", "--temperature", "0.9",
        "--top-k", "100", "--window", "20", "--section", "1:sparse", "--section", " 17 : full drums: and brass ",
        "--count-in", "--loop", "--continue", TRACK, "--no-bar-one", "--far-off", "reroll",
    )  # fmt: skip
    assert asked == Controls(
        description="lo-fi. bpm: 82.",
        negative="noise",
        guidance=4.5,
        temperature=0.9,
        top_k=100,
        window_s=20,
        sections=(SectionPrompt(0, "sparse"), SectionPrompt(16, "full drums: and brass")),
        reference=Reference("continue", TRACK),
        count_in=True,
        loop=True,
        bar_one=False,
        far_off="reroll",
    )
    assert list(asked.faults()) == []


def test_a_reference_is_a_track_a_stem_of_it_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert controls("--melody", f"{TRACK}:vocals").reference == Reference("melody", TRACK, "vocals")
    (tmp_path / "tune.wav").touch()
    monkeypatch.chdir(tmp_path)
    assert controls("--melody", "tune.wav").reference == Reference("melody", str(tmp_path / "tune.wav"))
    assert controls("--continue", str(tmp_path / "tune.wav")).reference == Reference(
        "continue", str(tmp_path / "tune.wav")
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--section", "brass"), "section must be a bar from 1 on and its words, such as 17:full drums, not 'brass'."),
        (("--section", "0:brass"), "section must be a bar from 1 on"),
        (("--section=-3:brass",), "section must be a bar from 1 on"),
        (("--section", "²:brass"), "section must be a bar from 1 on"),
        (("--section", "9" * 5000 + ":brass"), "section must be a bar from 1 on"),
        (("--section", "9: "), "section must be a bar from 1 on"),
        (("--continue", "not there.wav"), "continue must be the id of a track or an audio file that exists, not 'not"),
        (("--continue", "."), "continue must be the id of a track or an audio file that exists"),
        (("--continue", " "), "continue must be a file or a folder, not ' '"),
        (("--melody", f"{TRACK}:kazoo"), "melody must be a track id alone or with one of drums, bass, vocals, other"),
    ],
)
def test_what_nobody_could_read(options: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        controls(*options)
    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--guidance", "lots"), Controls(guidance="lots")),  # type: ignore[arg-type]
        (("--guidance", "nan"), Controls(guidance=float("nan"))),
        (("--temperature", "9"), Controls(temperature=9.0)),
        (("--top-k", "1.5"), Controls(top_k="1.5")),  # type: ignore[arg-type]
        (("--top-k", "-1"), Controls(top_k=-1)),
        (("--window", "long"), Controls(window_s="long")),  # type: ignore[arg-type]
        (("--section", "9:a", "--section", "9:b"), Controls(sections=(SectionPrompt(8, "a"), SectionPrompt(8, "b")))),
        (("--negative", "x" * 1001), Controls(negative="x" * 1001)),
    ],
)
def test_ranges_are_the_cores_own_sentence(options: tuple[str, ...], expected: Controls) -> None:
    (fault,) = GenerationRequest("x", controls=controls(*options)).faults()
    (same,) = expected.faults()
    assert str(fault) == str(same)


def test_one_reference_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        controls("--continue", TRACK, "--melody", TRACK)
    assert "not allowed with argument --continue" in capsys.readouterr().err


@pytest.mark.parametrize("action", ["list", "download", "import", "verify", "forecast", "remove"])
def test_help_of_every_action_on_models(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        parser().parse_args(["models", action, "--help"])
    assert leaving.value.code == 0
    assert f"nur-studio models {action}" in capsys.readouterr().out
