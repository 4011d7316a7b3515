"""What a model will do on this machine, whichever kind it is of."""

from __future__ import annotations

from nur_studio.engines.base import Forecast
from nur_studio.engines.models import ModelInfo, MusicModel, SeparatorModel


def forecast(model: ModelInfo, wanted: str = "auto", precision: str = "auto") -> Forecast:
    """Try a model's size for some seconds, without its weights, on the device that would be used.

    Raises `EngineUnavailable` where the device is not there, `StudioError` where it cannot be tried.
    """
    if isinstance(model, SeparatorModel):
        from nur_studio.engines.demucs.probe import forecast as separator_forecast

        return separator_forecast(model, wanted)
    from nur_studio.engines.musicgen.probe import forecast as music_forecast

    assert isinstance(model, MusicModel)
    return music_forecast(model, wanted, precision)
