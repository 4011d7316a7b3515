"""Takes the network away from a Python process, and from those it starts, and writes down who asked for it.

`environment(folder)` gives the variables with which a program runs so; `processes` and `attempts` then tell of it.
Python imports `sitecustomize` before anything else, so the block lies below every library, in engine processes too.
"""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

_FOLDER = "NUR_TESTS_NO_NETWORK"
_EVENTS = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_LOOKUPS = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"}


def environment(folder: Path) -> dict[str, str]:
    """This process's environment, with the block in it; what is seen is written into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text("import no_network\nno_network.install()\n")
    paths = [str(folder), str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), _FOLDER: str(folder)}


def prefix() -> list[str]:
    """A command to put before another, that leaves it no network at all, whatever it is written in; [] where this
    system has none.
    """
    command = ["unshare", "--map-root-user", "--net"]
    if shutil.which(command[0]) and subprocess.run([*command, "true"], capture_output=True).returncode == 0:
        return command
    return []


def install() -> None:
    """From now on, and for good, no connection leaves this process; files and local pipes are untouched."""
    _note("processes", " ".join(sys.orig_argv))
    sys.addaudithook(_refuse)


def processes(folder: Path) -> list[str]:
    """The command lines of the processes that ran blocked."""
    return _read(folder / "processes")


def attempts(folder: Path) -> list[str]:
    """What asked for the network."""
    return _read(folder / "attempts")


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    internet = (socket.AF_INET, socket.AF_INET6)
    if event in _LOOKUPS or (event in _EVENTS and arguments[0].family in internet):
        _note("attempts", f"{event} {arguments!r}")
        raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))


def _note(name: str, line: str) -> None:
    with (Path(os.environ[_FOLDER]) / name).open("a", encoding="utf-8") as file:
        file.write(line.replace("\n", " ") + "\n")


def _read(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines() if path.exists() else []
