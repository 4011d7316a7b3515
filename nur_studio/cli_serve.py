"""`nur-studio serve`: the reference's HTTP interface over this person's studio, until Ctrl+C."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from nur_studio.console import Interrupts, answer
from nur_studio.core.errors import Cancelled, StudioError

if TYPE_CHECKING:
    from nur_studio.studio.studio import Studio

TOKEN = "NUR_STUDIO_TOKEN"
_LOOK_EVERY_S = 0.2


def serve(studio: Studio, arguments: argparse.Namespace, interrupts: Interrupts) -> int:
    """Answer until a signal comes; a line says where."""
    try:
        from nur_studio.server.guard import Access
        from nur_studio.server.running import Serving
    except ImportError as error:
        raise StudioError(
            f"The server needs FastAPI and uvicorn, which are not here ({error}).",
            hint='`pip install "nur-studio[server]"`, or `python3 packaging/bootstrap.py setup --with-server`, '
            "gets them.",
        ) from error
    token = arguments.token or os.environ.get(TOKEN) or None
    access = Access.given(arguments.host, token, arguments.allow_origin)
    serving = Serving(studio, access, arguments.host, arguments.port)
    with interrupts.gently() as cancel:
        try:
            address = serving.start()
            library = studio.directories.library
            answer(f"NUR Studio answers at {address} (read {address}/docs); its library is {library}. Ctrl+C ends it.")
            while serving.wait(_LOOK_EVERY_S) and not cancel.is_set():
                pass
        finally:
            serving.stop()
    if cancel.is_set():
        raise Cancelled
    raise StudioError("The server ended by itself.", hint=f"The details are in {studio.directories.log}.")
