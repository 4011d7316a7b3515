"""The command line with fake engines, to be run as a program of its own: `python tests/fake_cli.py generate …`."""

from __future__ import annotations

import sys
from dataclasses import replace

import fake_engine

from nur_studio import cli
from nur_studio.core.paths import Directories
from nur_studio.engines.base import EngineInfo
from nur_studio.studio import Studio

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


if __name__ == "__main__":
    sys.exit(cli.main(sys.argv[1:], make_studio))
