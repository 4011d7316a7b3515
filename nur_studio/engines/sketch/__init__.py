"""Sketch: the built-in engine. A composer writes a score, a synthesizer plays it; no weights, no samples."""
