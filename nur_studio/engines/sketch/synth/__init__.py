"""From a score to stems: instruments, drums, effects, mixing desk."""

from nur_studio.engines.sketch.synth.render import render

__all__ = ["render"]
