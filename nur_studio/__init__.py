"""NUR Studio: original music from words, on your own machine."""

__version__ = "0.1.0"
