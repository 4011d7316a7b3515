"""Demucs: takes a mix apart into stems. See `engine` for the separator, `network` for what files are accepted."""
