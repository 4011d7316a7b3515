"""The setup script: a real venv and a real pip, offline, on a checkout as small as one can be."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

PACKAGING = Path(__file__).resolve().parents[2] / "packaging"
SCRIPTS = ("bootstrap.py", "studio_venv.py", "system_packages.py")

BACKEND = """\
import pathlib, time, zipfile
HERE = pathlib.Path(__file__).parent

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    with (HERE / "builds.log").open("a") as log:
        log.write("build\\n")
    while (HERE / "hang").exists():
        time.sleep(0.05)
    name, info = "nur_studio-1-py3-none-any.whl", "nur_studio-1.dist-info"
    with zipfile.ZipFile(pathlib.Path(wheel_directory) / name, "w") as wheel:
        wheel.writestr("nur_studio.pth", str(HERE))
        wheel.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: nur-studio\\nVersion: 1\\n")
        tags = "Wheel-Version: 1.0\\nGenerator: tiny\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        wheel.writestr(info + "/WHEEL", tags)
        wheel.writestr(info + "/RECORD", "")
    return name
"""
PROJECT = """\
[build-system]
requires = []
build-backend = "tiny_backend"
backend-path = ["."]
[project]
name = "nur-studio"
version = "1"
[project.optional-dependencies]
extra = []
"""
# Behaves as the command line does as far as the setup script uses it.
STUDIO = """\
import pathlib, sys, time
args = sys.argv[1:]
print("studio:", args)
if args and args[0] == "generate":
    options = dict(zip(args[2::2], args[3::2]))
    (pathlib.Path(options["--out"]) / "tape.mp3").write_bytes(b"mix")
    stems = pathlib.Path(options["--stems"])
    stems.mkdir()
    (stems / "drums.wav").write_bytes(b"drums")
if args == ["wait"]:
    try:
        print("waiting", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        time.sleep(1)  # longer than an impatient parent would wait
        print("tidied up", flush=True)
        sys.exit(130)
sys.exit(3 if args == ["fail"] else 0)
"""


class Checkout:
    """A folder with the real setup script and a project that needs nothing from any index."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "packaging").mkdir(parents=True)
        for name in SCRIPTS:
            shutil.copy(PACKAGING / name, root / "packaging" / name)
        (root / "packaging" / "constraints.txt").write_text("")
        (root / "pyproject.toml").write_text(PROJECT)
        (root / "tiny_backend.py").write_text(BACKEND)
        (root / "nur_studio").mkdir()
        (root / "nur_studio" / "__init__.py").write_text("")
        (root / "nur_studio" / "__main__.py").write_text(STUDIO)
        self.stamp_file = root / ".venv" / "nur-studio-setup.json"

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(self.root / "packaging" / "bootstrap.py"), *arguments]

    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
        return kept | {"PIP_NO_INDEX": "1", "NUR_STUDIO_HOME": str(self.root / "home")}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), env=self.environment(), capture_output=True, text=True, timeout=100
        )

    def stamp(self) -> dict[str, object]:
        stored: dict[str, object] = json.loads(self.stamp_file.read_text())
        return stored

    def builds(self) -> int:
        log = self.root / "builds.log"
        return len(log.read_text().splitlines()) if log.exists() else 0


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout that has been set up once; tests leave it ready."""
    checkout = Checkout(tmp_path_factory.mktemp("checkout") / "with space")
    done = checkout.run("setup")
    assert done.returncode == 0, done.stdout + done.stderr
    return checkout


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ModuleType, ModuleType]]:
    """bootstrap and system_packages as modules of this process."""
    monkeypatch.syspath_prepend(str(PACKAGING))
    modules = []
    for name in ("system_packages", "studio_venv", "bootstrap"):
        spec = importlib.util.spec_from_file_location(name, PACKAGING / f"{name}.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        modules.append(module)
    yield modules[2], modules[0]


@pytest.mark.parametrize("name", SCRIPTS)
def test_old_pythons_can_read_it_and_it_needs_nothing_installed(name: str) -> None:
    tree = ast.parse((PACKAGING / name).read_text("utf-8"), feature_version=(3, 7))
    imported = {
        root
        for node in ast.walk(tree)
        for root in (
            [alias.name.split(".")[0] for alias in node.names]
            if isinstance(node, ast.Import)
            else [(node.module or "").split(".")[0]]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= sys.stdlib_module_names | {"studio_venv", "system_packages"}


def test_first_call_installs_and_a_second_does_nothing_quickly(ready: Checkout) -> None:
    assert ready.stamp()["state"] == "ready"
    builds = ready.builds()
    started = time.monotonic()
    again = ready.run("setup")
    assert (again.returncode, again.stdout) == (0, "")
    assert ready.builds() == builds == 1
    assert time.monotonic() - started < 5


def test_changed_dependencies_are_installed_over(ready: Checkout) -> None:
    builds = ready.builds()
    (ready.root / "packaging" / "constraints.txt").write_text("numpy==2.4.6\n")
    assert ready.run("setup").returncode == 0
    assert ready.builds() == builds + 1
    (ready.root / "pyproject.toml").write_text(PROJECT + "[tool.ruff]\nline-length = 100\n")
    assert ready.run("setup").stdout == ""  # only what decides about the installation counts


def test_setup_killed_in_the_middle_is_made_anew(ready: Checkout) -> None:
    (ready.root / "packaging" / "constraints.txt").write_text("numpy==2.4.5\n")
    (ready.root / "hang").touch()
    builds = ready.builds()
    running = subprocess.Popen(
        ready.command("setup"), env=ready.environment(), stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        deadline = time.monotonic() + 60
        while ready.builds() == builds and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        (ready.root / "hang").unlink()
    assert ready.stamp()["state"] == "installing"
    (ready.root / ".venv" / "half-written").touch()
    repaired = ready.run("setup")
    assert repaired.returncode == 0, repaired.stdout
    assert "cut off in the middle" in repaired.stdout
    assert ready.stamp()["state"] == "ready"
    assert not (ready.root / ".venv" / "half-written").exists()


def test_a_failed_update_says_so_and_leaves_what_was_ready(ready: Checkout) -> None:
    before = ready.stamp()
    pyproject = ready.root / "pyproject.toml"
    pyproject.write_text(
        PROJECT.replace('version = "1"', 'version = "1"\ndependencies = ["nur-studio-needs-what-is-nowhere"]')
    )
    # The backend writes the metadata, so it has to name the dependency, too.
    backend = ready.root / "tiny_backend.py"
    backend.write_text(
        BACKEND.replace("Version: 1\\n", "Version: 1\\nRequires-Dist: nur-studio-needs-what-is-nowhere\\n")
    )
    failed = ready.run("setup")
    pyproject.write_text(PROJECT)
    backend.write_text(BACKEND)
    assert failed.returncode == 1
    assert "Installing failed." in failed.stdout
    assert "nur-studio-needs-what-is-nowhere" in failed.stdout
    assert ready.stamp() == before
    assert ready.run("setup").stdout == ""


def test_moved_checkout_gets_a_venv_of_its_own(ready: Checkout, tmp_path: Path) -> None:
    moved = Checkout(tmp_path / "moved")
    (moved.root / ".venv").mkdir()
    shutil.copy(ready.root / ".venv" / "pyvenv.cfg", moved.root / ".venv")
    moved.stamp_file.write_text(ready.stamp_file.read_text())
    done = moved.run("setup")
    assert done.returncode == 0, done.stdout
    assert "This checkout has moved." in done.stdout
    assert moved.stamp()["root"] == str(moved.root)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells by DISPLAY")
def test_run_without_a_display_makes_a_track_and_says_where(ready: Checkout) -> None:
    folder = ready.root / "home" / "Music" / "NUR Studio"
    for name in ("Rainy night tape", "Rainy night tape 2"):  # a second one beside the first
        done = ready.run("run")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "There is no display here." in done.stdout
        assert f"{folder / name / 'tape.mp3'}  (" in done.stdout
        assert f"{folder / name / 'stems' / 'drums.wav'}  (" in done.stdout


def test_run_hands_arguments_and_exit_code_through(ready: Checkout) -> None:
    done = ready.run("run", "generate", "slow waltz", "--out", str(ready.root), "--stems", str(ready.root / "s"))
    assert done.returncode == 0
    assert "'generate', 'slow waltz', '--out'" in done.stdout
    assert ready.run("run", "fail").returncode == 3


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_ctrl_c_lets_the_studio_tidy_up(ready: Checkout) -> None:
    running = subprocess.Popen(
        ready.command("run", "wait"), env=ready.environment(), stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert running.stdout is not None
    seen = ""
    while "waiting" not in seen:
        line = running.stdout.readline()
        assert line, seen
        seen += line
    os.killpg(running.pid, signal.SIGINT)
    rest, _ = running.communicate(timeout=30)
    assert "tidied up" in rest
    assert running.returncode == 130


def test_python_out_of_range_is_one_sentence(scripts: tuple[ModuleType, ModuleType]) -> None:
    bootstrap, _ = scripts
    bootstrap.check_python((3, 11))
    bootstrap.check_python((3, 13))
    for version in ((3, 10), (3, 14)):
        with pytest.raises(bootstrap.SetupProblem, match=rf"needs Python 3\.11 to 3\.13; this is 3\.{version[1]}\."):
            bootstrap.check_python(version)


def test_installer_failures_are_told_apart(scripts: tuple[ModuleType, ModuleType]) -> None:
    diagnosis = sys.modules["studio_venv"].diagnosis
    offline = (
        "WARNING: Retrying … NewConnectionError('Failed to establish a new connection: [Errno -3] Temporary failure')"
    )
    assert "cannot be reached" in diagnosis(offline)
    assert "disk is full" in diagnosis("ERROR: [Errno 28] No space left on device")
    assert "Installing failed" in diagnosis("ERROR: No matching distribution found for x")


class TestSystemPackages:
    """What is missing is found by loading it; who may install it does, everyone else is told the command."""

    @pytest.fixture
    def lacking(self, scripts: tuple[ModuleType, ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
        """This system with one library short for the window, one for sound."""
        _, system = scripts
        made_up = [
            system.Need("libnowhere1", "the window (Qt)", system.WINDOW, system.library("libnowhere.so.1")),
            system.Need("libsilent2", "hearing the music", system.SOUND, system.library("libsilent.so.2")),
            system.Need("python3", "itself", system.SETUP, system.program(sys.executable)),
        ]
        monkeypatch.setattr(system, "needs", lambda: made_up)
        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.setattr(system, "has_apt", lambda: True)
        monkeypatch.setattr(system, "is_root", lambda: False)
        return system

    @pytest.mark.skipif(not sys.platform.startswith("linux"), reason="system libraries are Linux's affair")
    def test_real_libraries_are_found_by_loading_them(self, scripts: tuple[ModuleType, ModuleType]) -> None:
        _, system = scripts
        assert system.library("libc.so.6")()
        assert not system.library("libc.so.6", "libnowhere.so.1")()
        assert not system.program("no-such-command")()

    def test_without_root_the_exact_command_is_told(
        self, scripts: tuple[ModuleType, ModuleType], lacking: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DISPLAY", ":0")
        bootstrap, _ = scripts
        command = "sudo apt-get update && sudo apt-get install --no-install-recommends libnowhere1 libsilent2"
        with pytest.raises(bootstrap.SetupProblem) as problem:
            bootstrap.set_up_system(for_tests=False)
        assert command in str(problem.value)

    def test_what_a_screenless_machine_does_not_need_does_not_stop_it(
        self,
        scripts: tuple[ModuleType, ModuleType],
        lacking: ModuleType,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
            monkeypatch.delenv(name, raising=False)
        bootstrap, _ = scripts
        bootstrap.set_up_system(for_tests=False)
        told = capsys.readouterr().out
        assert "libsilent2: hearing the music" in told
        assert "Going on without them." in told
        with pytest.raises(bootstrap.SetupProblem):
            bootstrap.set_up_system(for_tests=True)

    def test_root_gets_them_installed_and_a_failure_is_told(
        self, scripts: tuple[ModuleType, ModuleType], lacking: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bootstrap, system = scripts
        asked: list[list[str]] = []

        def apt(packages: list[str]) -> str:
            asked.append(packages)
            return "E: Unable to fetch some archives"

        monkeypatch.setattr(system, "is_root", lambda: True)
        monkeypatch.setattr(system, "install", apt)
        with pytest.raises(bootstrap.SetupProblem, match="E: Unable to fetch"):
            bootstrap.set_up_system(for_tests=False)
        assert asked == [["libnowhere1", "libsilent2"]]

    def test_debian_kin_is_known_by_os_release(self, scripts: tuple[ModuleType, ModuleType], tmp_path: Path) -> None:
        _, system = scripts
        release = tmp_path / "os-release"
        release.write_text('NAME="Fedora Linux"\nID=fedora\n')
        assert not system.has_apt(release)
        release.write_text('ID=linuxmint\nID_LIKE="ubuntu debian"\n')
        assert system.has_apt(release) is (shutil.which("apt-get") is not None)
        assert not system.has_apt(tmp_path / "none")
