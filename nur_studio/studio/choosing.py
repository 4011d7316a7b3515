"""The studio's use cases about what there is to make music with: engines here, those of a server, separators."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Sequence

from nur_studio.core.errors import EngineUnavailable, InvalidRequest, StudioError, UnknownEngine
from nur_studio.core.paths import Directories
from nur_studio.core.progress import Cancel
from nur_studio.core.request import GenerationRequest
from nur_studio.core.settings import Settings
from nur_studio.core.track import Track
from nur_studio.engines import catalogue
from nur_studio.engines.base import EngineInfo
from nur_studio.engines.remote.listing import PREFIX, Listing
from nur_studio.remote.server import Server, chosen_server
from nur_studio.studio import separating, steering


class Choosing:
    """A part of `Studio`, which says what its methods promise."""

    directories: Directories
    settings: Settings
    _engines: Callable[[], Sequence[EngineInfo]]
    _separators: Callable[[], Sequence[EngineInfo]]
    _listing: Listing

    @property
    def mark(self) -> str:
        """A word that is the same for all programs over this library, and tells nothing else of it."""
        return library_mark(self.directories)

    # -- engines -------------------------------------------------------------------------------------------------

    def engines(self) -> tuple[EngineInfo, ...]:
        """Every engine, also those that cannot run here (`why_not`), and after them those of the server in the settings
        (`host`), as it last told them; without those whose output may not be sold where the settings say so. At once.
        """
        return tuple(info for info in self._all_engines() if info.sellable or not self.settings.sellable_only)

    def default_engine(self) -> str:
        """The name of the engine that makes music where a request names none: the person's, else the best there is on
        this machine.
        """
        known, chosen = self.engines(), self.settings.engine
        hidden = any(info.name == chosen for info in self._all_engines()) and chosen not in {i.name for i in known}
        if chosen.startswith(PREFIX) and not self.server_address:
            hidden = True
        return chosen if chosen and not hidden else steering.best(known, catalogue.SKETCH.name)

    def check_controls(self, request: GenerationRequest) -> None:
        """Raise `StudioError` where the engine of this request cannot do what its controls ask."""
        steering.check(request, self._engine_for(request), self.engines())

    def _engine_for(self, request: GenerationRequest) -> EngineInfo:
        name = request.engine or self.default_engine()
        engine = self._named(name)
        if self.settings.sellable_only and not engine.sellable:
            raise EngineUnavailable(
                f"What {engine.title} makes may not be sold, and the settings ask for engines whose output may.",
                hint="Choose another engine, or change that setting.",
            )
        return catalogue.usable_engine(engine.name, self.engines())

    def _named(self, name: str) -> EngineInfo:
        try:
            return catalogue.engine(name, self._all_engines())
        except UnknownEngine:
            server = self._server()
            if server is None or not name.strip().casefold().startswith(PREFIX):
                raise
            self._listing.ask(server)  # it may never have been asked
            return catalogue.engine(name, self._all_engines())

    def _all_engines(self) -> tuple[EngineInfo, ...]:
        server = self._server()
        return (*self._engines(), *(self._listing.engines(server) if server is not None else ()))

    # -- the server ----------------------------------------------------------------------------------------------

    @property
    def server_address(self) -> str:
        """The address of the studio whose engines are offered here, as it was given; "" where there is none."""
        return chosen_server(self.settings.server, self.settings.server_token)[0]

    def ask_server(self, cancel: Cancel | None = None) -> str:
        """Bring the engines of the server up to date; a sentence that says what answers there. Takes some seconds at
        most. Raises `StudioError` where no studio does, or none is in the settings.
        """
        address, token = chosen_server(self.settings.server, self.settings.server_token)
        if not address.strip():
            raise StudioError("No address is given.", hint="One such as studio.local names a studio on the network.")
        server = Server.at(address, token)
        about = self._listing.ask(server, cancel)
        engines = self._listing.engines(server)
        able = [info.title.removesuffix(f" on {server.host}") for info in engines if not info.why_not]
        offers = f"it makes music with {', '.join(able)}" if able else "it has no engine that can run"
        return f"NUR Studio {about.version} answers at {server.address}: {offers}."

    def look_for_server(self, request: GenerationRequest) -> None:
        """Where this request's engine is the server's, ask whether it answers: better said now than by a take that
        fails. Raises what `ask_server` raises.
        """
        if (request.engine or self.default_engine()).strip().casefold().startswith(PREFIX):
            self.ask_server()

    def _server(self) -> Server | None:
        address, token = chosen_server(self.settings.server, self.settings.server_token)
        try:
            return Server.at(address, token) if address else None
        except InvalidRequest:  # `ask_server` says so
            return None

    # -- separators ----------------------------------------------------------------------------------------------

    def separators(self) -> tuple[EngineInfo, ...]:
        """Every separator, also those that cannot run here (`why_not`)."""
        return tuple(self._separators())

    def default_separator(self) -> str:
        """The separator to use where none is named: the person's if it can run, else the best that can, or ""."""
        return separating.default(self.settings.separator, self.separators())

    def separates(self, track: Track) -> bool:
        """Whether a take that was just made is to be separated by itself: it has no stems, and the settings say so."""
        return not track.lanes and self._wants_stems(None)

    def _wants_stems(self, stems: bool | None) -> bool:
        """Whether stems are to be made by separating: with None where the settings say so and a separator can run."""
        return stems is True or (stems is None and self.settings.separate and self.default_separator() != "")

    # -- the catalogue's -----------------------------------------------------------------------------------------

    def _catalogue(self) -> Sequence[EngineInfo]:
        settings = self.settings
        return catalogue.engines(self.directories.models, device=settings.device, precision=settings.precision)

    def _separators_of_catalogue(self) -> Sequence[EngineInfo]:
        return catalogue.separators(self.directories.models, device=self.settings.device)


def library_mark(directories: Directories) -> str:
    """See `Choosing.mark`."""
    return hashlib.sha256(f"{platform.node()}\n{directories.library.resolve()}".encode()).hexdigest()[:16]
