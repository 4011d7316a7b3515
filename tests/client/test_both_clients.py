"""What the Python client promises, once over the studio here and once over its server: the same for both."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest
from fake_server import Server

import nur_studio
from nur_studio import EngineUnavailable, GenerationFailed, InvalidRequest, MusicTrack, NurClient, TrackNotFound
from nur_studio.audio.files import audio_frames
from nur_studio.core.errors import StudioError, TrackUnfinished, UnknownEngine
from nur_studio.core.request import GenerationRequest
from nur_studio.core.track import Status, Track, is_track_id, new_track_id
from nur_studio.library.owners import Owner

RATE = 44100
SNIPPETS = (
    """
from nur_studio import NurClient

client = NurClient()
track = client.music.generate(
    prompt="Upbeat lo-fi hip hop beat with jazzy piano chords and vinyl crackle",
    duration=30, genre="lo-fi", tempo=85,
)
print(track.id, track.status, track.audio_url, track.genre, track.tempo, track.duration)
""",
    """
track = client.music.get(track.id)
print(track.download_url, track.waveform_url)
print(track.stems.vocals, track.stems.drums, track.stems.bass, track.stems.other)
""",
)
"""The reference's own."""


@pytest.fixture(scope="module", params=["local", "http"])
def client(request: pytest.FixtureRequest, server: Server) -> Iterator[NurClient]:
    arguments: dict[str, Any] = {"studio": server.studio} if request.param == "local" else {"base_url": server.address}
    opened = NurClient(**arguments)
    yield opened
    opened.close(wait=False)


@pytest.fixture(scope="module")
def track(client: NurClient) -> MusicTrack:
    """A finished take that no test changes."""
    made = client.music.generate("Rainy night tape, jazzy Rhodes", 5, tempo=120, seed=7)
    assert isinstance(made, MusicTrack)
    return made


@pytest.fixture(scope="module")
def bare(client: NurClient) -> MusicTrack:
    """One without stems."""
    made = client.music.generate("no parts", 5, engine="whole", output_format="ogg")
    assert isinstance(made, MusicTrack)
    return made


def fetched(url: str | None, tmp_path: Path) -> Path:
    """What is behind a URL, as a file."""
    assert url is not None
    with urllib.request.urlopen(url) as answer:
        path = tmp_path / f"fetched{len(list(tmp_path.iterdir()))}"
        path.write_bytes(answer.read())
    return path


def test_the_snippets_of_the_reference_run_as_written(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(nur_studio, "NurClient", lambda: NurClient(studio=server.studio), raising=False)
    names: dict[str, Any] = {}
    for snippet in SNIPPETS:
        exec(snippet, names)
    first, files, stems = capsys.readouterr().out.splitlines()
    track_id, status, audio_url, genre, tempo, duration = first.split()
    assert is_track_id(track_id)
    assert (status, genre, tempo, duration) == ("completed", "lo-fi", "85", "30")
    urls = [audio_url, *files.split(), *stems.split()]
    assert len(urls) == 7
    assert all(Path(url2pathname(urlsplit(url).path)).is_file() for url in urls)


def test_a_track_is_the_references_in_every_field(track: MusicTrack, tmp_path: Path) -> None:
    assert is_track_id(track.id)
    assert (track.status, track.duration, track.genre, track.tempo) == ("completed", 5, "lo-fi", 120)
    assert (track.prompt, track.output_format, track.seed) == ("Rainy night tape, jazzy Rhodes", "mp3", 7)
    made_at = datetime.strptime(track.created_at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - made_at).total_seconds()) < 600
    for url in (track.audio_url, track.download_url):
        path = fetched(url, tmp_path)
        assert audio_frames(path) == (5 * RATE, RATE)
        assert path.read_bytes()[:3] == b"ID3"
    stems = track.stems
    for url in (stems.vocals, stems.drums, stems.bass, stems.other):
        assert audio_frames(fetched(url, tmp_path)) == (5 * RATE, RATE)
    assert stems.guitar is None
    assert json.loads(fetched(track.waveform_url, tmp_path).read_text("utf-8"))["sample_rate"] == RATE
    assert track.as_dict()["id"] == track.id
    assert track.id in repr(track)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({}, "prompt"),
        ({"prompt": "   "}, "prompt"),
        ({"prompt": 7}, "prompt"),
        ({"prompt": "x" * 4001}, "prompt"),
        ({"prompt": "half \ud800"}, "prompt"),
        ({"duration": 4}, "duration"),
        ({"duration": 301}, "duration"),
        ({"duration": 5.5}, "duration"),
        ({"duration": "30"}, "duration"),
        ({"duration": True}, "duration"),
        ({"genre": ""}, "genre"),
        ({"tempo": 39}, "tempo"),
        ({"tempo": 221}, "tempo"),
        ({"output_format": "aiff"}, "output_format"),
        ({"seed": -1}, "seed"),
        ({"takes": 9}, "takes"),
        ({"top_k": float("nan")}, "top_k"),
        ({"temperature": 9.0}, "temperature"),
        ({"sections": [{"bar": 0, "description": "x"}]}, "sections"),
        ({"sections": "17:drums"}, "sections"),
        ({"reference": {"use": "continue", "track": "/etc/passwd"}}, "reference"),
        ({"description": 5}, "description"),
        ({"loop": "yes"}, "loop"),
        ({"tempo_bpm": 90}, "tempo_bpm"),
        ({"engine": 5}, "engine"),
    ],
)
def test_what_is_out_of_range_is_told_by_field_value_and_what_may_be(
    client: NurClient, arguments: dict[str, Any], field: str
) -> None:
    wish = {"prompt": "slow waltz", **arguments} if arguments else {}
    with pytest.raises(InvalidRequest) as refused:
        client.music.generate(**wish)
    assert refused.value.field == field
    assert refused.value.allowed
    assert str(refused.value).startswith(f"{field} must be ")


def test_whole_numbers_may_come_as_decimals_and_none_is_left_out(client: NurClient) -> None:
    pending = client.music.generate("x", 5.0, tempo=90.0, genre=None, seed=3.0, wait=False)  # type: ignore[arg-type]
    assert isinstance(pending, MusicTrack)
    client.music.delete(pending)
    assert (pending.duration, pending.tempo, pending.seed) == (5, 90, 3)


def test_engines_that_are_not_there_are_their_own_errors(client: NurClient) -> None:
    with pytest.raises(UnknownEngine, match="nobody"):
        client.music.generate("x", engine="nobody")
    with pytest.raises(EngineUnavailable, match=r"Its weights are missing\."):
        client.music.generate("x", engine="absent")
    with pytest.raises(StudioError, match="Fake cannot be steered"):
        client.music.generate("x", engine="fake", guidance=3.0)


def test_a_generation_that_fails_says_why_and_stays_as_failed(client: NurClient) -> None:
    with pytest.raises(GenerationFailed, match=r"^The fake is tired\. Let it sleep\.$"):
        client.music.generate("too much for it", 5, engine="tired")
    (failed,) = client.music.list("too much for it", limit=1)
    assert (failed.status, failed.audio_url, failed.stems.drums) == ("failed", None, None)
    assert failed.error == "The fake is tired. Let it sleep."
    with pytest.raises(GenerationFailed, match="tired"):
        failed.wait()
    with pytest.raises(StudioError, match="was never finished"):
        client.music.export(failed, Path("x.wav"))


def test_without_waiting_it_is_pending_then_waited_for_or_cancelled(client: NurClient) -> None:
    slow = client.music.generate("never ends", 5, engine="slow", wait=False)
    behind = client.music.generate("behind it", 5, wait=False)
    assert isinstance(slow, MusicTrack)
    assert isinstance(behind, MusicTrack)
    assert (slow.status, slow.audio_url, slow.download_url, slow.stems.drums) == ("pending", None, None, None)
    with pytest.raises(TimeoutError):
        slow.wait(timeout=0.05)
    with pytest.raises(TrackUnfinished, match=r"'Never ends' is not finished yet\."):
        client.music.export(slow, Path("x.wav"))
    with pytest.raises(TrackUnfinished):
        client.music.separate(slow)
    client.music.delete(slow)
    for look in (slow.refresh, slow.wait, lambda: client.music.get(slow.id), lambda: client.music.delete(slow)):
        with pytest.raises(TrackNotFound):
            look()
    assert behind.wait() is behind
    assert behind.status == "completed"


def test_a_take_that_waits_can_be_cancelled(client: NurClient) -> None:
    slow = client.music.generate("in front", 5, engine="slow", wait=False)
    waiting = client.music.generate("in the queue", 5, wait=False)
    for each in (waiting, slow):
        assert isinstance(each, MusicTrack)
        client.music.delete(each)
        with pytest.raises(TrackNotFound):
            each.wait()


def test_takes_are_a_list_with_following_seeds(client: NurClient) -> None:
    tracks = client.music.generate("two of them", 5, takes=2, seed=11)
    assert isinstance(tracks, list)
    assert [(track.seed, track.take, track.status) for track in tracks] == [(11, 1, "completed"), (12, 2, "completed")]


def test_listing_finds_pages_and_goes_on(client: NurClient, track: MusicTrack, bare: MusicTrack) -> None:
    assert client.music.list("rainy NIGHT", limit=500)[-1] == track or track in client.music.list("rainy", limit=500)
    assert bare in client.music.list(engine="whole", limit=500)
    assert track not in client.music.list(engine="whole", limit=500)
    everything = client.music.list(limit=500)
    pages, after = [], None
    while page := client.music.list(limit=3, after=after):
        pages += page
        after = page[-1]
    assert pages == everything
    assert client.music.list(genre="no such genre") == []
    assert client.music.list(starred=True) == []
    listed = next(each for each in everything if each == track)
    assert listed.download_url == track.download_url
    with pytest.raises(InvalidRequest):
        client.music.list(limit=0)
    with pytest.raises(TrackNotFound):
        client.music.list(after="trk_000000000000")


@pytest.mark.parametrize(
    "track_id", ["trk_000000000000", "../../etc/passwd", "", "trk_1", "TRK_000000000000", "\ud800"]
)
def test_an_unknown_id_is_not_found_whatever_it_looks_like(client: NurClient, track_id: str) -> None:
    for call in (client.music.get, client.music.delete, client.music.separate):
        with pytest.raises(TrackNotFound) as missing:
            call(track_id)
        assert missing.value.track_id == track_id
    with pytest.raises(TrackNotFound):
        client.music.export(track_id, Path("x.wav"))
    with pytest.raises(InvalidRequest):
        client.music.get(5)  # type: ignore[arg-type]


def test_separating_gives_stems_and_says_why_not(client: NurClient, bare: MusicTrack, track: MusicTrack) -> None:
    assert (bare.stems.drums, bare.as_dict()["stems"]) == (None, None)
    with pytest.raises(StudioError, match="are its own"):
        client.music.separate(track)
    with pytest.raises(UnknownEngine):
        client.music.separate(bare, "nobody")
    with pytest.raises(GenerationFailed, match="tired"):
        client.music.separate(bare, "weary")
    with pytest.raises(StudioError, match="has no stems"):
        client.music.export(bare, Path("x.wav"), part="drums")
    parted = client.music.separate(bare, "apart")
    assert parted.stems.drums is not None
    assert bare.refresh().stems.drums == parted.stems.drums


@pytest.mark.parametrize("kind", ["mp3", "wav", "flac", "ogg"])
def test_the_same_take_is_exported_in_any_format(
    client: NurClient, track: MusicTrack, tmp_path: Path, kind: str
) -> None:
    assert client.music.export(track, tmp_path / f"mix.{kind}") == tmp_path / f"mix.{kind}"
    assert audio_frames(tmp_path / f"mix.{kind}") == (5 * RATE, RATE)


def test_exports_into_folders_have_names_for_people_and_replace_nothing(
    client: NurClient, track: MusicTrack, tmp_path: Path
) -> None:
    first = client.music.export(track.id, str(tmp_path), part="drums", output_format="wav")
    second = client.music.export(track.id, tmp_path, part="drums", output_format="wav")
    assert first.name == "Rainy night tape_120bpm_Am_drums.wav"
    assert second.name == "Rainy night tape_120bpm_Am_drums (2).wav"
    assert client.music.export(track, tmp_path).suffix == ".mp3"
    assert len(list(tmp_path.iterdir())) == 3


def test_exports_that_make_no_sense_are_refused(client: NurClient, track: MusicTrack, tmp_path: Path) -> None:
    for arguments in ({"path": tmp_path / "x.txt"}, {"path": tmp_path / "x.wav", "output_format": "mp3"},
                      {"path": tmp_path, "output_format": "aiff"}, {"path": tmp_path, "part": "piccolo"}):  # fmt: skip
        with pytest.raises(InvalidRequest):
            client.music.export(track, **arguments)  # type: ignore[arg-type]
    with pytest.raises(StudioError, match="no folder"):
        client.music.export(track, tmp_path / "nowhere" / "x.wav")
    assert list(tmp_path.iterdir()) == []


def test_what_another_program_makes_is_followed_and_left_alone(client: NurClient, server: Server) -> None:
    library = server.studio.library
    (mine,) = server.studio.submit(_request())
    other = _as_of(mine, library.folder)
    server.studio.discard(mine.id)
    library.add(other)
    followed = client.music.get(other.id)
    assert followed.status == "pending"
    with pytest.raises(TrackUnfinished, match="is being made by another program"):
        client.music.delete(followed)
    with pytest.raises(TimeoutError):
        followed.wait(timeout=0.2)
    library.fail(other.id, "It lost its way.")
    with pytest.raises(GenerationFailed, match=r"It lost its way\."):
        followed.wait()


def test_what_a_program_that_died_was_making_is_failed_for_who_waits(
    client: NurClient, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nur_studio.client.local._SETTLE_EVERY_S", 0.0)
    monkeypatch.setattr("nur_studio.server.events._SETTLE_EVERY", 1)
    monkeypatch.setattr("nur_studio.server.events._LOOK_EVERY_S", 0.05)
    (mine,) = server.studio.submit(_request())
    other = _as_of(mine, server.studio.library.folder)
    server.studio.discard(mine.id)
    with monkeypatch.context() as patched:
        patched.setattr("nur_studio.library.library.self_owner", lambda: Owner(2**22 - 1, 1.0))
        server.studio.library.add(other)
    with pytest.raises(GenerationFailed, match="closed before this take was begun"):
        client.music.get(other.id).wait()


def _request() -> GenerationRequest:
    return GenerationRequest("elsewhere", 5)


def _as_of(track: Track, folder: Callable[[str], Path]) -> Track:
    track_id = new_track_id()
    return replace(track, id=track_id, folder=folder(track_id), status=Status.PENDING)
