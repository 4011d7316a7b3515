"""The command line and tempo: what it tells of a take that was off, how it is brought to its tempo, bars and loops."""

from __future__ import annotations

import json
from collections.abc import Callable

import fake_cli
import planted_engine
import pytest

from nur_studio import cli
from nur_studio.core.paths import Directories
from nur_studio.engines import catalogue
from nur_studio.studio import Studio

pytestmark = pytest.mark.usefixtures("at_home")
Run = Callable[..., tuple[int, str, str]]
ENGINES = (planted_engine.info("slow", 111.0), planted_engine.info("near", 119.4), catalogue.SKETCH)


def make_studio(directories: Directories) -> Studio:
    return Studio(directories, engines=lambda: ENGINES, separators=lambda: fake_cli.SEPARATORS)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            code = cli.main(list(arguments), make_studio)
        except SystemExit as leaving:
            code = int(str(leaving.code or 0))
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_a_take_far_off_is_told_stretched_and_taken_back(run: Run) -> None:
    code, out, err = run("generate", "drums", "--tempo", "120", "--duration", "5", "--engine", "slow", "--quiet")
    assert code == 0
    assert "111.0 BPM were heard instead of 120: the take was left as it is." in err
    first, *_, told = out.splitlines()
    track_id = first.split("(")[1].rstrip(")")
    assert told.startswith("  asked 120 BPM · measured 111.0")
    assert told.endswith(f"`nur-studio tempo {track_id}` stretches it")
    code, out, err = run("tempo", track_id, "--quiet")
    assert code == 0
    assert " · 120 BPM · " in out
    assert "--as-made` takes that back" in out
    assert "stretched by 7%" in err
    code, out, _ = run("tempo", track_id, "--as-made", "--json", "--quiet")
    assert (code, json.loads(out)["tempo"]) == (0, 111)
    assert json.loads(out)["stems"] is not None, "it had stems: it has those of this sound"
    assert "asked 120 BPM" in run("get", track_id)[1]


def test_bars_and_loops(run: Run) -> None:
    code, out, err = run("generate", "house drums", "--tempo", "128", "--bars", "4", "--loop", "--engine", "near",
                         "--no-bar-one", "--far-off", "stretch", "--quiet")  # fmt: skip
    assert (code, err.count("stretched by")) == (0, 1)
    frames = round(4 * 4 * 60 / 128 * 44100)
    assert f"loop of 4 bars, {frames} samples · seam " in out
    for options, sentence in (
        (("--bars", "99"), "bars must be a whole number of bars from 1 to 64, not 99."),
        (("--bars", "1", "--tempo", "120"), "bars must be 3 to 64 at 120 BPM"),
        (("--bars", "4", "--duration", "9"), "not allowed with argument"),
        (("--far-off", "perhaps"), "invalid choice"),
    ):
        code, _, err = run("generate", "house", "--engine", "sketch", *options)
        assert (code, sentence in err) == (2, True), err
