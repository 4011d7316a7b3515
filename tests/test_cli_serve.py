"""`nur-studio serve` as a program: how it starts, ends, dies, and shares a library with others."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import fake_serve
import psutil
import pytest
from fake_cli import Run
from fake_server import Server, make_studio

from nur_studio import NurClient
from nur_studio.client import MusicTrack
from nur_studio.core.errors import GenerationFailed, ServerUnavailable, TrackUnfinished
from nur_studio.core.track import Status

SAID = r"NUR Studio answers at (http://127\.0\.0\.1:\d+) \(read \1/docs\); its library is (.+)\. Ctrl\+C ends it\."


@contextlib.contextmanager
def program(home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server as a process of its own, and its address."""
    process = subprocess.Popen(
        [sys.executable, fake_serve.__file__, "serve", "--port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "NUR_STUDIO_HOME": str(home)},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.match(
            r"NUR Studio answers at (http://127\.0\.0\.1:\d+) \(read \1/docs\); its library is (.+)\. C", line
        )
        assert found is not None, line
        assert Path(found[2]) == home / "data" / "library"
        yield process, found[1]
    finally:
        process.kill()
        process.communicate()


def pending(client: NurClient, engine: str = "slow") -> MusicTrack:
    track = client.music.generate(f"for {engine}", 5, engine=engine, wait=False)
    assert isinstance(track, MusicTrack)
    return track


@pytest.mark.skipif(os.name != "posix", reason="Windows ends programs without a word")
def test_two_programs_share_a_library_and_neither_ends_the_others_work(tmp_path: Path) -> None:
    with program(tmp_path) as (process, address), NurClient(address) as far:
        theirs = pending(far)
        while theirs.refresh().status != "processing":
            pass
        with make_studio(tmp_path) as studio, NurClient(studio=studio) as near:  # opening settles, and purges
            assert near.music.get(theirs.id).status == "processing"
            with pytest.raises(TrackUnfinished):
                near.music.delete(theirs.id)
            mine = near.music.generate("made here", 5)
            assert isinstance(mine, MusicTrack)
            assert far.music.get(mine.id).status == "completed"
            assert [track.id for track in far.music.list()] == [mine.id, theirs.id]
            behind = pending(far, "fake")
            engines = {child.pid for child in psutil.Process(process.pid).children(recursive=True)}
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 128 + signal.SIGTERM
            for track in (theirs, behind):
                kept = studio.library.get(track.id)
                assert (kept.status, kept.error) == (
                    Status.FAILED, "The server was stopped before this take was finished."
                )  # fmt: skip
            assert not engines & {each.pid for each in psutil.process_iter() if each.status() != psutil.STATUS_ZOMBIE}
            assert studio.library.fault() == ""
            with pytest.raises(ServerUnavailable, match="cannot be reached: nothing listens there"):
                far.music.get(mine.id)


def test_what_a_killed_server_was_making_is_failed_by_the_next(tmp_path: Path) -> None:
    with program(tmp_path) as (process, address), NurClient(address) as far:
        track = pending(far)
        while track.refresh().status != "processing":
            pass
        process.kill()
        process.wait()
    with make_studio(tmp_path) as studio, NurClient(studio=studio) as near:
        with pytest.raises(GenerationFailed, match="stopped while this take was being made"):
            near.music.get(track.id).wait()
        assert list((studio.directories.library / "staging").iterdir()) == []


def test_a_script_without_a_guard_that_ends_at_once_gets_its_music(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import fake_server, pathlib\n"
        "from nur_studio import NurClient\n"
        f"client = NurClient(studio=fake_server.make_studio(pathlib.Path({str(tmp_path / 'home')!r})))\n"
        "print(client.music.generate('slow waltz', 5, wait=False).id)\n"
    )
    paths = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    with_tests = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60, env=with_tests)
    assert (done.returncode, done.stderr) == (0, "")
    with make_studio(tmp_path / "home") as studio:
        assert studio.library.get(done.stdout.strip()).status is Status.COMPLETED


def test_importing_the_package_loads_nothing_of_it() -> None:
    code = (
        "import sys; import nur_studio; print(sorted(m for m in sys.modules if m.startswith('nur_studio')),"
        " 'numpy' in sys.modules, 'http.client' in sys.modules); from nur_studio import NurClient;"
        " print('numpy' in sys.modules, 'nur_studio.studio' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["['nur_studio'] False False", "False False"]


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--host", "0.0.0.0"), 2, "host must be this machine (127.0.0.1), unless --token keeps strangers out"),
        (("--token", "short"), 2, "token must be 16 or more letters and digits"),
        (("--port", "high"), 2, "port must be a whole number from 0 to 65535, not 'high'."),
        (("--port", "70000"), 2, "port must be a whole number from 0 to 65535, not 70000."),
        (("--host", "no.such.host.invalid", "--token", "x" * 16), 2, "host must be an address of this machine"),
        (("--allow-origin", "*"), 2, "allow_origin must be the origin of a web page"),
    ],
)
def test_what_cannot_be_served_is_a_sentence(run: Run, arguments: tuple[str, ...], code: int, said: str) -> None:
    ended, out, err = run("serve", *arguments)
    assert (ended, out) == (code, "")
    assert err.startswith(f"nur-studio: {said}")
    assert err.count("\n") == 1


@pytest.mark.usefixtures("at_home")
def test_a_port_in_use_is_a_sentence(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended, out, err = run("serve", "--port", str(port))
    assert (ended, out) == (1, "")
    assert err == (
        f"nur-studio: Another program answers at port {port} already. `--port` chooses another, 0 any that is free.\n"
    )


@pytest.mark.usefixtures("at_home")
def test_without_its_libraries_the_server_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("nur_studio.server")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fastapi", None)
    ended, out, err = run("serve")
    assert (ended, out) == (1, "")
    assert "The server needs FastAPI and uvicorn" in err
    assert "nur-studio[server]" in err


def test_where_no_studio_answers_it_is_said(server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(ServerUnavailable, match="nothing listens there"):
        NurClient(address).music.list()
    with pytest.raises(ServerUnavailable, match="There is nothing at this address"):
        NurClient(f"{server.address}/elsewhere").music.list()
