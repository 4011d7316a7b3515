"""Looks into files that `torch.save` wrote without unpickling them: whether they hold weights, or ask to run something.

Such a file is a zip archive whose `data.pkl` names what is to be called when it is read. Weights need a handful of
names; what asks for others is refused where it arrives, long before anything reads it. Reading is guarded by itself.
"""

from __future__ import annotations

import pickletools
import re
import zipfile
from pathlib import Path

from nur_studio.core.errors import FileProblem

_LARGEST_PICKLE = 64 << 20  # names and shapes only; the published ones have less than a megabyte
_HARMLESS = re.compile(
    r"collections OrderedDict|torch Size|torch \w+Storage|torch\.storage UntypedStorage"
    r"|torch\._utils _rebuild_(tensor|tensor_v2|parameter)"
)
_AGAIN = "Copy it again from where it is whole."


def check_weights_only(path: Path, also: frozenset[str] = frozenset()) -> None:
    """Raise `FileProblem` where `path` is damaged or no checkpoint, or would call anything that weights do not need.

    `also` are names ("module name") that whoever reads the file has an answer of its own to.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            (pickled,) = [entry for entry in archive.infolist() if entry.filename.rpartition("/")[2] == "data.pkl"]
            if pickled.file_size > _LARGEST_PICKLE:
                raise ValueError("too large")
            called = [
                str(argument) if opcode.name == "GLOBAL" else opcode.name
                for opcode, argument, _ in pickletools.genops(archive.read(pickled))
                if opcode.name in ("GLOBAL", "STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4")
            ]
    except Exception as error:  # zipfile, zlib and pickletools each have errors of their own for damaged files
        raise FileProblem(f"{path} is damaged, cut short or no checkpoint.", hint=_AGAIN) from error
    if any(not _HARMLESS.fullmatch(name) and name not in also for name in called):
        raise FileProblem(
            f"{path} holds more than weights and was not copied: it could run code.",
            hint="Get the model from its publisher, or in safetensors.",
        )
