"""Asks the package index whether every pinned release has a wheel for each Python and system the studio supports.

By hand before a release, since it needs the network and some minutes: `.venv/bin/python packaging/check_wheels.py`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CONSTRAINTS = Path(__file__).resolve().parent / "constraints.txt"
PYTHONS = ("3.11", "3.12", "3.13")
PLATFORMS = {
    "Linux x86-64": [f"manylinux_2_{minor}_x86_64" for minor in range(36, 16, -1)] + ["manylinux2014_x86_64"],
    "Windows x86-64": ["win_amd64"],
    "macOS arm64": [f"macosx_{major}_0_arm64" for major in (15, 14, 13, 12, 11)]
    + [f"macosx_{major}_0_universal2" for major in (15, 14, 13, 12, 11)]
    + ["macosx_10_9_universal2"],
}


def pins() -> list[str]:
    lines = (line.strip() for line in CONSTRAINTS.read_text("utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def lacking_wheels(pins: list[str], python: str, platforms: list[str]) -> str:
    """pip's own words about these pins' wheels, "" when it finds them all."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps", "--only-binary=:all:", "--quiet"]
    command += ["--ignore-installed", "--disable-pip-version-check", "--python-version", python]
    command += [word for platform in platforms for word in ("--platform", platform)]
    with tempfile.TemporaryDirectory() as target:
        done = subprocess.run([*command, "--target", target, *pins], capture_output=True, text=True)
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    return "" if done.returncode == 0 else (errors[-1] if errors else f"pip ended with {done.returncode}")


def missing_wheels(pins: list[str], python: str, platforms: list[str], jobs: int) -> dict[str, str]:
    """The pins without a wheel. One question for all of them; each alone only where that one is answered no."""
    if not lacking_wheels(pins, python, platforms):
        return {}
    with ThreadPoolExecutor(jobs) as pool:
        answers = pool.map(lambda pin: lacking_wheels([pin], python, platforms), pins)
        return {pin: answer for pin, answer in zip(pins, answers, strict=True) if answer}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", action="append", help=f"only this one of {', '.join(PYTHONS)}; repeatable")
    parser.add_argument("--jobs", type=int, default=4, help="how many questions at once (default 4)")
    options = parser.parse_args()
    faults = 0
    for python in options.python or PYTHONS:
        for name, platforms in PLATFORMS.items():
            missing = missing_wheels(pins(), python, platforms, options.jobs)
            print(
                f"Python {python}, {name}: {len(pins()) - len(missing)} of {len(pins())} pins have a wheel", flush=True
            )
            for pin, answer in missing.items():
                print(f"  {pin}: {answer}", flush=True)
            faults += len(missing)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
