"""What the studio needs from the operating system: found missing by trying it, named by its Debian package.

Standard library only, and nothing newer than Python 3.7: it runs before anything is installed.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

SETUP, WINDOW, SOUND, TESTS = "setup", "window", "sound", "tests"


class Need(NamedTuple):
    """One thing the studio needs: the Debian package that brings it, why, and how to see that it is there."""

    package: str
    why: str
    purpose: str
    present: Callable[[], bool]


def library(*sonames: str) -> Callable[[], bool]:
    """Whether the loader finds every one of these shared libraries, and they load."""

    def loads() -> bool:
        try:
            for soname in sonames:
                ctypes.CDLL(soname)
        except OSError:
            return False
        return True

    return loads


def program(*names: str) -> Callable[[], bool]:
    """Whether every one of these commands is on the PATH."""
    return lambda: all(shutil.which(name) for name in names)


def venv_module() -> bool:
    """Whether this Python can make a virtual environment with pip in it; Debian ships that apart."""
    return all(importlib.util.find_spec(name) is not None for name in ("venv", "ensurepip"))


def alsa_pulse_plugin() -> bool:
    """Whether ALSA can reach PulseAudio; its plugins are modules in a folder of their own, not libraries."""
    folders = [Path("/usr/lib/alsa-lib"), Path("/usr/lib64/alsa-lib"), *Path("/usr/lib").glob("*-linux-gnu*/alsa-lib")]
    return any((folder / "libasound_module_pcm_pulse.so").exists() for folder in folders)


def needs() -> list[Need]:
    """Everything needed on Linux, in the order it is reported."""
    venv = f"python3.{sys.version_info[1]}-venv"  # the running Python's own, also where another is the default
    window, screen, sound = "the window (Qt)", "the window on an X11 screen (Qt's xcb)", "hearing the music"
    return [
        Need(venv, "making .venv/, where everything else goes", SETUP, venv_module),
        Need("libegl1", window, WINDOW, library("libEGL.so.1")),
        Need("libgl1", window, WINDOW, library("libGL.so.1")),
        Need("libglib2.0-0", window, WINDOW, library("libglib-2.0.so.0", "libgthread-2.0.so.0")),
        Need("libfontconfig1", "fonts in the window", WINDOW, library("libfontconfig.so.1", "libfreetype.so.6")),
        Need("libdbus-1-3", "the desktop's own dialogs and theme", WINDOW, library("libdbus-1.so.3")),
        Need("libxkbcommon0", "the keyboard", WINDOW, library("libxkbcommon.so.0")),
        Need("libxkbcommon-x11-0", screen, WINDOW, library("libxkbcommon-x11.so.0", "libxcb-xkb.so.1")),
        Need("libx11-xcb1", screen, WINDOW, library("libX11-xcb.so.1")),
        Need("libxcb-cursor0", screen, WINDOW, library("libxcb-cursor.so.0", "libxcb-image.so.0")),
        Need("libxcb-icccm4", screen, WINDOW, library("libxcb-icccm.so.4")),
        Need("libxcb-keysyms1", screen, WINDOW, library("libxcb-keysyms.so.1")),
        Need("libxcb-randr0", screen, WINDOW, library("libxcb-randr.so.0")),
        Need("libxcb-render-util0", screen, WINDOW, library("libxcb-render-util.so.0")),
        Need("libxcb-shape0", screen, WINDOW, library("libxcb-shape.so.0")),
        Need("libxcb-shm0", screen, WINDOW, library("libxcb-shm.so.0")),
        Need("libxcb-sync1", screen, WINDOW, library("libxcb-sync.so.1")),
        Need("libxcb-xfixes0", screen, WINDOW, library("libxcb-xfixes.so.0")),
        Need("libportaudio2", sound, SOUND, library("libportaudio.so.2")),
        Need("xvfb", "tests: a screen of their own", TESTS, program("Xvfb")),
        Need("xauth", "tests: a screen of their own", TESTS, program("xauth")),
        Need("xdotool", "tests: a real mouse that drags", TESTS, program("xdotool")),
        Need("pulseaudio", "tests: a sound card that records", TESTS, program("pulseaudio")),
        Need("pulseaudio-utils", "tests: a sound card that records", TESTS, program("pactl", "parec")),
        Need("ffmpeg", "tests: a reader that is not the studio", TESTS, program("ffmpeg", "ffprobe")),
        Need("libasound2-plugins", "tests: a sound card that records", TESTS, alsa_pulse_plugin),
        Need("curl", "tests: the calls people write", TESTS, program("curl")),
        Need("lua5.3", "tests: the script for REAPER", TESTS, program("lua5.3")),
    ]


def missing(purposes: Iterable[str], known: Iterable[Need] = ()) -> list[Need]:
    """The needs of these purposes that are not met. Windows and macOS bring everything but Python themselves."""
    if not sys.platform.startswith("linux"):
        return []
    wanted = set(purposes)
    return [need for need in (known or needs()) if need.purpose in wanted and not need.present()]


def explain(lacking: Iterable[Need]) -> str:
    """One line per reason: `libegl1, libgl1: the window (Qt)`."""
    by_reason: dict[str, list[str]] = {}
    for need in lacking:
        by_reason.setdefault(need.why, []).append(need.package)
    return "\n".join(f"  {', '.join(packages)}: {why}" for why, packages in by_reason.items())


def apt_commands(packages: Iterable[str]) -> tuple[list[str], list[str]]:
    """What installs `packages` on Debian, Ubuntu and their kin: two commands."""
    install = ["apt-get", "install", "--yes", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", *packages]
    return ["apt-get", "update"], install


def command_for_people(packages: Iterable[str]) -> str:
    """The line to type where this is not root."""
    return "sudo apt-get update && sudo apt-get install --no-install-recommends " + " ".join(packages)


def has_apt(os_release: Path = Path("/etc/os-release")) -> bool:
    """Whether this is a system whose packages carry Debian's names."""
    try:
        lines = os_release.read_text("utf-8").splitlines()
    except OSError:
        return False
    kin = {
        word
        for line in lines
        if line.startswith(("ID=", "ID_LIKE="))
        for word in line.partition("=")[2].strip().strip("\"'").split()
    }
    return bool(kin & {"debian", "ubuntu"}) and shutil.which("apt-get") is not None


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def install(packages: list[str]) -> str:
    """Install Debian packages as root; "" when that went well, else apt's last words."""
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for command in apt_commands(packages):
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode:
            return "\n".join(done.stdout.strip().splitlines()[-8:])
    return ""
