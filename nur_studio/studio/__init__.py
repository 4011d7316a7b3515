"""The use cases: generate, find, export, drag. The one place that puts library, engines and audio together."""

from nur_studio.studio.clicks import Clicks
from nur_studio.studio.clips import Loop
from nur_studio.studio.models_shelf import ModelState
from nur_studio.studio.studio import Studio

__all__ = ["Clicks", "Loop", "ModelState", "Studio"]
