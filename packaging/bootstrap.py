"""Sets the studio up on this machine and runs it, or its tests: `python3 packaging/bootstrap.py run`.

Standard library only, and nothing newer than Python 3.7: it runs before anything is installed, and on a
Python that is too old it must still be able to say so.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import system_packages as system
from studio_venv import EVERYTHING, MODELS, ROOT, SERVER, VENV_PYTHON, SetupProblem, say, set_up_venv, step, tail

OLDEST = (3, 11)
NEWEST = (3, 13)
EXAMPLE_NAME = "Rainy night tape"
EXAMPLE = "Rainy night tape: lo-fi beat with warm Rhodes chords, soft bass and vinyl crackle, 82 bpm"

DESCRIPTION = """\
Sets NUR Studio up on this machine, then does one thing.

  run    opens the window; without a display it makes a track from an example prompt and says where the files are.
         Anything after it goes to the studio: run generate "slow waltz for strings" --duration 20
  test   runs every test. Anything after it goes to pytest instead: test -k tempo
  setup  stops once everything is in place.

What goes where: system libraries by apt-get (as root; otherwise the command to type is printed), everything else
into .venv/ beside this checkout. `run` installs what the studio uses: about 200 MB to fetch. The libraries for
MusicGen, stem separation and transcription to MIDI (torch above all: on Linux its CUDA build, 5.5 GB on disk) come with
--with-models; `test` takes them too, since tests hold that the window's process never loads them. A second call is
ready in seconds."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when all went well, 1 when the setup stopped, else that of the studio or of pytest."""
    parser = argparse.ArgumentParser(
        prog="bootstrap.py",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("verb", choices=["run", "test", "setup"])
    parser.add_argument(
        "--with-models", action="store_true", help="also install torch, audiocraft, demucs, basic-pitch"
    )
    parser.add_argument(
        "--with-server", action="store_true", help="also install what `serve` runs on: fastapi and uvicorn"
    )
    parser.add_argument("--all", action="store_true", help="also install what the tests and checks need (as test does)")
    options, extra = parser.parse_known_args(arguments)
    try:
        check_python()
        for_tests = options.all or options.verb == "test"
        set_up_system(for_tests=for_tests)
        some = (*(MODELS if options.with_models else ()), *(SERVER if options.with_server else ()))
        extras = EVERYTHING if for_tests else some
        set_up_venv(extras)
        if options.verb == "test":
            return run_tests(extra)
        if options.verb == "run":
            return run_studio(extra)
    except SetupProblem as problem:
        say(f"\n{problem}")
        return 1
    except KeyboardInterrupt:
        say("\nStopped. The next call mends what was left half done.")
        return 130
    return 0


def check_python(version: tuple[int, int] = sys.version_info[:2]) -> None:
    """Raise unless this Python can run the studio; name one on this machine that can."""
    if OLDEST <= version <= NEWEST:
        return
    supported = [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    found = next((name for name in supported if answers(name)), "")
    way_out = (
        f"{found} is on this machine: {found} packaging/bootstrap.py"
        if found
        else "Install one (https://www.python.org/downloads/) and start this with it."
    )
    raise SetupProblem(f"NUR Studio needs Python 3.11 to 3.13; this is {version[0]}.{version[1]}. {way_out}")


def answers(python: str) -> bool:
    """Whether this command is there and is a Python that starts (version managers leave names that do not)."""
    return shutil.which(python) is not None and subprocess.run([python, "-c", ""], capture_output=True).returncode == 0


def display_wanted() -> bool:
    """Whether this session has a screen to open a window on, as far as the environment says."""
    return not sys.platform.startswith("linux") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.environ.get("QT_QPA_PLATFORM")
    )


def set_up_system(for_tests: bool) -> None:
    """Install missing system packages as root; otherwise say what to type, and stop where nothing works without."""
    purposes = [system.SETUP, system.WINDOW, system.SOUND, *([system.TESTS] if for_tests else [])]
    lacking = system.missing(purposes)
    if not lacking:
        return
    packages = [need.package for need in lacking]
    say(f"Missing from this system:\n{system.explain(lacking)}")
    if system.has_apt() and system.is_root():
        with step(f"Installing {len(packages)} system packages with apt-get"):
            fault = system.install(packages)
        if fault:
            raise SetupProblem(f"apt-get could not install them. It said:\n{fault}")
        lacking = system.missing(purposes)
        if lacking:
            raise SetupProblem(f"Installed, yet still not there:\n{system.explain(lacking)}")
        return
    if system.has_apt():
        way_out = f"Installing them takes root. Type this, then start again:\n  {system.command_for_people(packages)}"
    else:
        way_out = "Install them with this system's package manager (the names above are Debian's), then start again."
    # Without sound or a screen the studio still makes music; without a venv, or with half the tests, nothing is true.
    essential = {system.SETUP, *([system.WINDOW] if display_wanted() else []), *(purposes if for_tests else [])}
    if any(need.purpose in essential for need in lacking):
        raise SetupProblem(way_out)
    say(f"{way_out}\nGoing on without them.")


def run_studio(arguments: Sequence[str]) -> int:
    """The studio with these arguments; without any, the window, or a track where no window can open."""
    studio = [str(VENV_PYTHON), "-P", "-m", "nur_studio"]  # -P: not whatever lies in the folder one stands in
    if arguments:
        return hand_over([*studio, *arguments])
    obstacle = display_obstacle()
    if not obstacle:
        return hand_over(studio)
    say(f"{obstacle} So here is a track instead, from the prompt:\n  {EXAMPLE}")
    return make_example(studio)


def hand_over(command: Sequence[str], environment: dict[str, str] | None = None, folder: Path | None = None) -> int:
    """Run this to its end and return its exit code. Ctrl+C and a polite kill are its affair: it may have to tidy up."""
    running = subprocess.Popen(command, env=environment, cwd=folder)
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: None),  # the terminal tells it, too
        signal.SIGTERM: signal.signal(signal.SIGTERM, lambda *_: running.terminate()),
    }
    try:
        code = running.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code  # ended by a signal: as a shell puts it


def display_obstacle() -> str:
    """Why no window can open here, as a sentence; "" where one can. Qt itself tries: it would abort the window."""
    if not display_wanted():
        return "There is no display here."
    probe = "import sys; from PySide6.QtGui import QGuiApplication; QGuiApplication(sys.argv)"
    tried = subprocess.run([str(VENV_PYTHON), "-c", probe], capture_output=True, text=True)
    return f"Qt cannot open a window here ({tail(tried.stderr, 1).strip()})." if tried.returncode else ""


def make_example(studio: Sequence[str]) -> int:
    """Make the example track through the command line, in a new folder, and say where its files are."""
    home = os.environ.get("NUR_STUDIO_HOME")
    music = (Path(home) if home else Path.home()) / "Music" / "NUR Studio"
    names = [EXAMPLE_NAME, *(f"{EXAMPLE_NAME} {number}" for number in range(2, 1000))]
    folder = next(music / name for name in names if not (music / name).exists())
    folder.mkdir(parents=True)
    code = hand_over([*studio, "generate", EXAMPLE, "--out", str(folder), "--stems", str(folder / "stems")])
    if code == 0:
        say("\nThe mix and its stems:")
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            say(f"  {path}  ({path.stat().st_size / 1e6:.1f} MB)")
        say('Another: python3 packaging/bootstrap.py run generate "slow waltz for strings, D minor" --duration 20')
    return code


def run_tests(arguments: Sequence[str]) -> int:
    """pytest with these arguments; without any, every test, those that need the machine to themselves last."""
    environment = dict(os.environ, QT_QPA_PLATFORM="offscreen")
    pytest = [str(VENV_PYTHON), "-m", "pytest"]
    if arguments:
        return hand_over([*pytest, *arguments], environment, ROOT)
    alone = "realtime or x11 or gpu"
    workers = min(os.cpu_count() or 1, 4)
    say(f"\nEvery test but those that play in real time, use a screen or a GPU, on {workers} processes:")
    threads = str(max(1, (os.cpu_count() or 1) // workers))  # more would only wait for each other's cores
    shared = environment | {"OMP_NUM_THREADS": threads}
    first = hand_over([*pytest, "-n", str(workers), "-m", f"not ({alone})"], shared, ROOT)
    say("\nThose that play in real time, use a screen or a GPU, one at a time:")
    second = hand_over([*pytest, "-m", alone], environment, ROOT)
    return first or second


if __name__ == "__main__":
    sys.exit(main())
