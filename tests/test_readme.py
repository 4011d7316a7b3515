"""The code in README.md and packaging/API.md runs as it is written there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_server import Server, make_studio, serving

from nur_studio.audio.files import audio_frames
from nur_studio.core.paths import Directories
from nur_studio.studio import Studio

ROOT = Path(__file__).resolve().parents[1]
README, PAGE = ROOT / "README.md", ROOT / "packaging" / "API.md"
ADDRESS, TOKEN = "http://127.0.0.1:8765", "the-token-it-was-started-with"


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def block(page: Path, language: str, about: str) -> str:
    (found,) = (code for code in blocks(page, language) if about in code)
    return found


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the token the page has, over fake engines."""
    with make_studio(tmp_path_factory.mktemp("quick")) as studio, serving(studio, token=TOKEN) as server:
        yield server


def test_the_python_of_both_pages_runs_in_order(tmp_path: Path) -> None:
    """In one process, on a library of its own, with Sketch: nothing is changed but the server's port."""
    there = blocks(PAGE, "python")
    assert len(there) >= 3
    home = tmp_path / "home"
    with Studio(Directories.below(home)) as studio, serving(studio, token=TOKEN) as server:
        code = "\n".join((*blocks(README, "python"), *there)).replace(ADDRESS, server.address)
        assert server.address in code
        script = tmp_path / "script.py"
        script.write_text(code, "utf-8")
        done = subprocess.run(
            [sys.executable, str(script)], capture_output=True, text=True, timeout=100, cwd=tmp_path,
            env={**os.environ, "NUR_STUDIO_HOME": str(home)},
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert "tempo a whole number of BPM from 40 to 220" in done.stdout
        assert audio_frames(tmp_path / "waltz.wav") == audio_frames(tmp_path / "waltz drums.flac") == (441000, 44100)
        assert audio_frames(tmp_path / "techno.mp3") == (8 * 44100, 44100)
        assert {track.prompt for track in studio.library.list()} >= {"Slow waltz for strings and celesta, D minor"}
        assert not any("techno" in track.prompt for track in studio.library.list())


@pytest.mark.skipif(os.name != "posix" or not shutil.which("curl"), reason="needs a shell and curl")
def test_the_calls_with_curl_run(quick: Server, tmp_path: Path) -> None:
    code = block(PAGE, "sh", "curl").replace(ADDRESS, quick.address)
    done = subprocess.run(["sh", "-eu", "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.rstrip().splitlines()[-2] == "event: completed"
    assert audio_frames(tmp_path / "take.wav") == audio_frames(tmp_path / "drums.flac") == (441000, 44100)
    assert quick.studio.library.list() == []


STAND_IN = """
local told = {}
local later = {}
local folder = %q
reaper = {
  GetResourcePath = function() return folder end,
  GetProjectPath = function() return folder .. "/Media" end,
  RecursiveCreateDirectory = function(path) os.execute('mkdir -p "' .. path .. '"') end,
  GetUserInputs = function(_, _, caption)
    assert(caption:find("separator=\\n", 1, true), "a comma in a description must not end it")
    return true, %q
  end,
  GetSet_LoopTimeRange = function() return 2.0, 9.5 end,
  Master_GetTempo = function() return 97.6 end,
  ExecProcess = function(command)
    local pipe = assert(io.popen(command .. " 2>&1"))
    local text = pipe:read("a")
    local _, _, code = pipe:close()
    return code .. "\\n" .. text
  end,
  ShowMessageBox = function(text) print("box", text) end,
  InsertMedia = function(path, mode) print("insert", path, mode) end,
  Undo_BeginBlock = function() end,
  Undo_EndBlock = function() end,
  defer = function(call) later[#later + 1] = call end,
}
assert(loadfile(%q))()
while #later > 0 do table.remove(later, 1)() end
"""


def lua() -> str:
    return next((found for name in ("lua5.3", "lua5.4", "lua") if (found := shutil.which(name))), "")


def in_reaper(tmp_path: Path, address: str, token: str, prompt: str) -> str:
    """What the script says and inserts, in a REAPER of paper."""
    code = block(PAGE, "lua", "reaper").replace(ADDRESS, address).replace('TOKEN = ""', f'TOKEN = "{token}"')
    script, stage = tmp_path / "script.lua", tmp_path / "stage.lua"
    script.write_text(code, "utf-8")
    said = tuple(str(each).replace("\\", "/") for each in (tmp_path, prompt, script))
    stage.write_text(STAND_IN.replace("%q", "[==[%s]==]") % said, "utf-8")
    done = subprocess.run([lua(), str(stage)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert not list(tmp_path.glob("nur-studio-*")), "what curl was told, the token too, is gone"
    return done.stdout


@pytest.mark.skipif(os.name != "posix" or not lua() or not shutil.which("curl"), reason="needs lua and curl")
def test_the_script_for_reaper_brings_a_take_to_the_edit_cursor(quick: Server, tmp_path: Path) -> None:
    said = in_reaper(tmp_path, quick.address, TOKEN, 'Warm "Rhodes", brushed drums; $HOME 50 %')
    (track,) = quick.studio.library.list()
    file = tmp_path / "Media" / f"{track.id}.wav"
    assert said == f"insert\t{file}\t0\n"
    assert (track.prompt, track.tempo) == ('Warm "Rhodes", brushed drums; $HOME 50 %', 98)
    assert audio_frames(file) == (8 * 44100, 44100)
    quick.studio.library.delete(track.id)
    assert "wants the token" in in_reaper(tmp_path, quick.address, "", "x")
    assert "cannot be reached" in in_reaper(tmp_path, "http://127.0.0.1:1", TOKEN, "x")


MAX_API = """
exports.outlet = (...what) => console.log(what.join(" "));
exports.addHandler = (name, call) => call(...process.argv.slice(2).map((w) => (isNaN(w) ? w : Number(w))));
"""


def in_max(tmp_path: Path, address: str, *message: str) -> list[str]:
    """What comes out of the outlet, in a Max of paper."""
    code = block(PAGE, "js", "max-api").replace(ADDRESS, address).replace('TOKEN = ""', f'TOKEN = "{TOKEN}"')
    (tmp_path / "nur-studio.js").write_text(code, "utf-8")
    (tmp_path / "node_modules").mkdir(exist_ok=True)
    (tmp_path / "node_modules" / "max-api.js").write_text(MAX_API, "utf-8")
    node = shutil.which("node")
    assert node is not None
    done = subprocess.run(
        [node, "nur-studio.js", *message], capture_output=True, text=True, timeout=60, cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path), "TEMP": str(tmp_path)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
def test_the_script_for_max_brings_a_take_as_a_file(quick: Server, tmp_path: Path) -> None:
    said = in_max(tmp_path, quick.address, "6", "124", "warm Rhodes,", "brushed", "drums")
    (track,) = quick.studio.library.list()
    assert said[-1] == f"file {tmp_path / f'{track.id}.wav'}"
    assert all(line.startswith("progress ") for line in said[:-1])
    assert (track.prompt, track.tempo) == ("warm Rhodes, brushed drums", 124)
    assert audio_frames(tmp_path / f"{track.id}.wav") == (6 * 44100, 44100)
    quick.studio.library.delete(track.id)
    assert in_max(tmp_path, quick.address, "6", "400", "x") == [
        "error tempo must be a whole number of BPM from 40 to 220, not 400."
    ]
    (refused,) = in_max(tmp_path, "http://127.0.0.1:1", "6", "124", "x")
    assert refused.startswith("error The studio cannot be reached: ")
