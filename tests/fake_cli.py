"""The command line with fake engines, to be run as a program of its own: `python tests/fake_cli.py generate …`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import fake_engine

from nur_studio import cli
from nur_studio.core.paths import Directories
from nur_studio.engines.base import EngineInfo
from nur_studio.studio import Studio

Run = Callable[..., tuple[int, str, str]]
"""What the fixture `run` gives: a command's exit code, standard output and standard error."""

ENGINES = (
    replace(fake_engine.info("sketch"), title="Fake sketch"),
    fake_engine.info("slow", step_s=2.0),
    fake_engine.info("loud", fault="print"),
    fake_engine.info("crashing", fault="kill"),
    fake_engine.info("buggy", fault="bug"),
    fake_engine.info("whole", stems=False),
)


SEPARATORS = (fake_engine.separator("apart"), fake_engine.separator("away", why_not="Its weights are not here."))


def engines() -> tuple[EngineInfo, ...]:
    return ENGINES


def make_studio(directories: Directories) -> Studio:
    studio = Studio(directories, engines=engines, separators=lambda: SEPARATORS)
    studio.settings = replace(studio.settings, engine="sketch")
    return studio


def run(arguments: Iterable[str | Path]) -> int:
    """Run a command in this process; its exit code."""
    try:
        return cli.main([str(argument) for argument in arguments], make_studio)
    except SystemExit as leaving:
        return int(str(leaving.code or 0))


if __name__ == "__main__":
    sys.exit(cli.main(sys.argv[1:], make_studio))
