"""The studio's Python client, as the product's reference has it: over the studio here, or over HTTP."""

from nur_studio.client.client import NurClient
from nur_studio.client.tracks import MusicTrack, Stems

__all__ = ["MusicTrack", "NurClient", "Stems"]
