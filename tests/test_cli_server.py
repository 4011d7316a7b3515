"""Another studio on the network, from the command line and for the doctor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_cli import Run
from fake_server import Server

from nur_studio import doctor
from nur_studio.core.settings import Settings

pytestmark = pytest.mark.usefixtures("at_home")


def test_its_engines_are_listed_and_make_music(server: Server, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUR_STUDIO_SERVER", server.address)
    code, out, err = run("engines")
    assert (code, err) == (0, "")
    assert "remote:fake: Fake on 127.0.0.1\n" in out
    listed = {each["name"]: each["host"] for each in json.loads(run("engines", "--json")[1])}
    assert (listed["sketch"], listed["remote:fake"]) == ("", "127.0.0.1")
    code, out, err = run("generate", "far away", "--engine", "remote:fake", "--duration", "5", "--json")
    assert code == 0, err
    assert json.loads(out)["engine"] == "remote:fake"
    code, _, err = run("generate", "x", "--engine", "remote:nothing", "--duration", "5")
    assert code == 2
    assert "There is no engine 'remote:nothing'" in err


def test_a_server_that_is_not_there_is_said_and_holds_nothing_up(
    home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUR_STUDIO_SERVER", "http://127.0.0.1:1")
    code, out, err = run("engines")
    assert code == 0
    assert out.startswith("sketch: ")
    assert err.startswith("nur-studio: The studio's server at http://127.0.0.1:1 cannot be reached: ")
    before = run("list")[1]
    code, _, err = run("generate", "x", "--engine", "remote:fake", "--duration", "5")
    assert code == 1
    assert "cannot be reached" in err
    assert run("list")[1] == before, "no failed take is left of what could be said before"


def test_the_doctor_says_whether_it_answers(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor._server(Settings()) == []
    (check,) = doctor._server(Settings(server=server.address))
    assert (check.level, check.mend, check.vital) == (doctor.OK, "", False)
    assert f"answers at {server.address}, with 6 engines" in check.finding
    monkeypatch.setenv("NUR_STUDIO_SERVER", "127.0.0.1:1")
    (check,) = doctor._server(Settings(server=server.address))
    assert check.level == doctor.WARN
    assert check.finding == "The studio's server at http://127.0.0.1:1 cannot be reached: nothing listens there."
    assert "nur-studio serve" in check.mend
    monkeypatch.delenv("NUR_STUDIO_SERVER")
    (check,) = doctor._server(Settings(server="ftp://x"))
    assert "address must be one such as" in check.finding
