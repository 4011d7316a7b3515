"""Names for people: a title from a prompt, a file name that every operating system takes."""

from __future__ import annotations

import re
import unicodedata

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_RESERVED = {"con", "prn", "aux", "nul", *(f"com{n}" for n in range(10)), *(f"lpt{n}" for n in range(10))}
_TEMPO = re.compile(r"\b(?:(?:at|in)\s+)?\d{2,3}\s*bpm\b", re.IGNORECASE)
_TURNING = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_DANGLING = {"a", "an", "the", "and", "or", "with", "of", "in", "on", "at", "for", "to", "from", "by", "&"}
_MAX_STEM = 80  # with tempo, key, stem and ending well under the 255 bytes every file system allows


def one_line(text: str) -> str:
    """`text` without what would move a cursor, ring a bell or turn the direction of what follows it."""
    kept = (" " if c in _TURNING or unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text)
    return " ".join("".join(kept).split())


def title_from_prompt(prompt: str, words: int = 5) -> str:
    """The first few words of a prompt as a title: "Chill lo-fi beat with jazzy Rhodes" gives "Chill lo-fi beat"."""
    prompt = _TEMPO.sub("", prompt)  # shown beside the title, and written behind it in file names
    clause = re.split(r"[.,;:!?\n(]| with | - ", prompt.strip(), maxsplit=1)[0] or prompt
    kept = clause.split()[:words]
    while len(kept) > 1 and kept[-1].lower() in _DANGLING:
        kept.pop()
    title = one_line(" ".join(kept))[:60].strip()
    return title[:1].upper() + title[1:] if title else "Untitled"


def short_key(key: str) -> str:
    """`A minor` as `Am`, `F# major` as `F#`; other modes keep their first three letters: `D dorian`, `Ddor`."""
    tonic, _, mode = key.partition(" ")
    return tonic + {"minor": "m", "major": "", "": ""}.get(mode, mode[:3])


def safe_file_stem(text: str) -> str:
    """`text` without what Windows, macOS or Linux refuse in a file name; never empty, never a device name."""
    text = unicodedata.normalize("NFC", text)
    text = _FORBIDDEN.sub(" ", text)
    text = "".join(c for c in text if unicodedata.category(c)[0] != "C")
    text = re.sub(r"\s+", " ", text).strip(" .")
    while len(text.encode()) > _MAX_STEM:
        text = text[:-1].rstrip(" .")
    if not text:
        return "Untitled"
    return f"{text}_" if text.split(".")[0].strip().lower() in _RESERVED else text


def file_name(title: str, tempo: int, key: str, part: str, ending: str) -> str:
    """`Rainy night tape_85bpm_Am_drums.wav`; the mix has no part name, an unknown key or tempo (0) is left out."""
    pieces = [safe_file_stem(title), f"{tempo}bpm" if tempo else "", short_key(key), "" if part == "mix" else part]
    return "_".join(p for p in pieces if p) + "." + ending
