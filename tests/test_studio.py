"""The use cases over a real library, a real engine process and real files; only the music is fake."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import fake_engine
import numpy as np
import pytest
from tag_readers import by_mutagen, libsndfile_log

from nur_studio.audio.files import Encoding, audio_frames, read_audio
from nur_studio.audio.masters import mix_path, stem_path, waveform_path
from nur_studio.core.errors import (
    Cancelled,
    EngineUnavailable,
    FileProblem,
    GenerationFailed,
    InvalidRequest,
    StudioError,
    TrackNotFound,
)
from nur_studio.core.mix import STEMS, Channel, Mix
from nur_studio.core.paths import Directories
from nur_studio.core.progress import CancelToken, Progress
from nur_studio.core.request import MAX_SEED, GenerationRequest
from nur_studio.core.timing import Marker, Section
from nur_studio.core.track import IMPORTED, Status, Track
from nur_studio.engines.base import EngineInfo
from nur_studio.reference import music_track
from nur_studio.studio import Studio
from nur_studio.studio.exporting import tags_of

ENGINES = (
    fake_engine.info("fake"),
    fake_engine.info("slow", step_s=0.3),
    fake_engine.info("crashing", fault="kill"),
    fake_engine.info("monolith", stems=False),
    fake_engine.info("together", can=("together", "keep"), keeps=True, step_s=0.05),
    fake_engine.info("together-slow", can=("together",), step_s=0.2),
    fake_engine.info("together-tired", can=("together",), fault="sentence", fault_seed=8),
    fake_engine.info("together-mortal", can=("together",), fault="kill", fault_seed=8),
    replace(fake_engine.info("absent"), why_not="Its weights are missing."),
)


def engines() -> tuple[EngineInfo, ...]:
    return ENGINES


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with Studio(Directories.below(tmp_path_factory.mktemp("studio")), engines=engines) as opened:
        opened.update_settings(engine="fake")
        yield opened


@pytest.fixture(scope="module")
def take(studio: Studio) -> Track:
    """One finished take that no test changes."""
    return studio.generate(ask(prompt="Rainy night tape, jazzy Rhodes", tempo=120, seed=7))[0]


def ask(prompt: str = "lo-fi beat", duration: int = 5, **fields: object) -> GenerationRequest:
    return replace(GenerationRequest(prompt, duration), **fields)  # type: ignore[arg-type]


# -- submit ------------------------------------------------------------------------------------------------------


def test_takes_get_following_seeds_letters_and_one_group(studio: Studio) -> None:
    tracks = studio.submit(ask(takes=3, seed=MAX_SEED - 1))
    assert [t.seed for t in tracks] == [MAX_SEED - 1, MAX_SEED, 0]
    assert [t.take_letter for t in tracks] == ["A", "B", "C"]
    assert len({t.group_id for t in tracks}) == 1
    assert [t.id for t in studio.library.list(group=tracks[0].group_id)] == [t.id for t in tracks]
    assert {t.status for t in tracks} == {Status.PENDING}
    (more,) = studio.submit(ask(), group=tracks[0].group_id)
    assert (more.take, more.group_id) == (4, tracks[0].group_id)
    for track in (*tracks, more):
        studio.discard(track.id)


def test_without_a_seed_there_is_a_new_one_each_time(studio: Studio) -> None:
    seeds = {track.seed for _ in range(4) for track in studio.submit(ask())}
    assert len(seeds) == 4
    assert all(0 <= seed <= MAX_SEED for seed in seeds)
    for track in studio.library.list():
        studio.discard(track.id)


def test_tempo_is_what_was_asked_said_or_drawn_from_the_genre(studio: Studio) -> None:
    def tempo(request: GenerationRequest) -> Track:
        (track,) = studio.submit(request)
        studio.discard(track.id)
        return track

    assert tempo(ask(tempo=99)).tempo == 99
    assert tempo(ask(prompt="lo-fi beat at 85 bpm")).tempo == 85
    reading = studio.read("lo-fi beat")
    assert not reading.tempo_heard
    low, high = reading.tempo_range
    drawn = [tempo(ask(seed=seed)).tempo for seed in range(60)]
    assert all(low <= t <= high for t in drawn)
    assert len(set(drawn)) > (high - low) / 2
    assert drawn[3] == tempo(ask(seed=3)).tempo
    assert tempo(ask(tempo=99)).tempo_asked == 99
    assert tempo(ask(prompt="lo-fi beat at 85 bpm")).tempo_asked == 85
    assert tempo(ask(prompt="allegro for strings")).tempo_asked is None
    assert tempo(ask()).tempo_asked is None


def test_genre_is_shown_as_known_or_as_written(studio: Studio) -> None:
    def genre(request: GenerationRequest) -> Track:
        (track,) = studio.submit(request)
        studio.discard(track.id)
        return track

    assert genre(ask(prompt="lo-fi beat")).genre == "lo-fi"
    assert genre(ask(genre="LoFi")).genre == "lo-fi"
    written = genre(ask(genre=" Zeuhl "))
    assert written.genre == "Zeuhl"
    assert written.recipe["reading"]["genre"] == studio.read("lo-fi beat", "Zeuhl").genre
    assert written.recipe["request"]["genre"] == " Zeuhl "


@pytest.mark.parametrize(
    ("request_", "kind", "words"),
    [
        (ask(duration=4), InvalidRequest, "duration must be a whole number of seconds from 5 to 300, not 4."),
        (ask(prompt=" "), InvalidRequest, "prompt must be a description of the music in words, not ' '."),
        (ask(engine="nope"), EngineUnavailable, "There is no engine 'nope'; known here: fake, slow, crashing, "
         "monolith, together, together-slow, together-tired, together-mortal, absent."),
        (ask(engine="absent"), EngineUnavailable, "Its weights are missing."),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_refused_before_anything_is_kept(
    studio: Studio, request_: GenerationRequest, kind: type[StudioError], words: str
) -> None:
    before = studio.library.count()
    with pytest.raises(kind) as caught:
        studio.submit(request_)
    assert caught.value.sentence == words
    assert studio.library.count() == before


# -- make --------------------------------------------------------------------------------------------------------


def test_a_finished_take_has_masters_facts_and_its_whole_recipe(studio: Studio, take: Track) -> None:
    assert take == studio.library.get(take.id)
    assert (take.status, take.title, take.tempo, take.seed) == (Status.COMPLETED, "Rainy night tape", 120, 7)
    assert (take.duration_s, take.frames, take.sample_rate) == (5.0, 5 * 44100, 44100)
    assert take.tempo_measured == pytest.approx(120, abs=0.5)
    assert (take.model, take.licence, take.key) == ("fake 1", "for tests", "A minor")
    assert take.loudness_lufs is not None
    assert json.loads(waveform_path(take.folder).read_text())["version"] == 2
    recipe = json.loads((take.folder / "recipe.json").read_text("utf-8"))
    assert recipe == json.loads(json.dumps(dict(take.recipe)))
    assert recipe["request"]["prompt"] == "Rainy night tape, jazzy Rhodes"
    assert recipe["resolved"] == {"genre": take.genre, "tempo": 120, "seed": 7, "take": 1, "bars": None}
    assert (recipe["engine"], recipe["model"], recipe["licence"]) == ("fake", "fake 1", "for tests")
    assert set(recipe["versions"]) >= {"nur_studio", "python", "numpy", "scipy"}
    assert recipe["timings"]["total"] > 0
    assert not (take.folder / "preview.f32").exists()


def test_the_recipe_makes_the_same_music_again(studio: Studio, take: Track) -> None:
    request = studio.request_of(take.id)
    assert (request.seed, request.takes, request.engine) == (7, 1, "fake")
    (again,) = studio.generate(request)
    assert again.id != take.id
    first, _ = read_audio(mix_path(take.folder))
    second, _ = read_audio(mix_path(again.folder))
    np.testing.assert_array_equal(first, second)


def test_the_second_take_can_be_made_again_alone(studio: Studio) -> None:
    tracks = studio.generate(ask(takes=2, seed=MAX_SEED))
    assert [t.seed for t in tracks] == [MAX_SEED, 0]
    (again,) = studio.generate(studio.request_of(tracks[1].id))
    assert again.tempo == tracks[1].tempo
    np.testing.assert_array_equal(read_audio(mix_path(tracks[1].folder))[0], read_audio(mix_path(again.folder))[0])


def test_progress_over_several_takes_is_one_bar(studio: Studio) -> None:
    seen: list[Progress] = []
    studio.generate(ask(takes=2), seen.append)
    fractions = [p.fraction for p in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert any(0.5 < f < 1.0 for f in fractions)


def test_a_cancelled_take_leaves_nothing(studio: Studio) -> None:
    before = studio.library.list()
    cancel = CancelToken()

    def stop(progress: Progress) -> None:
        if progress.stage == "pretending":
            cancel.cancel()

    with pytest.raises(Cancelled):
        studio.generate(ask(engine="slow", takes=3), stop, cancel=cancel)
    assert studio.library.list() == before
    assert list((studio.directories.library / "staging").iterdir()) == []


def test_a_crash_keeps_a_failed_track_and_the_next_take_works(studio: Studio) -> None:
    with pytest.raises(GenerationFailed, match="SIGKILL"):
        studio.generate(ask(prompt="doomed", engine="crashing"))
    (failed,) = studio.library.list("doomed")
    assert failed.status is Status.FAILED
    assert failed.error.startswith("The engine stopped unexpectedly (killed by signal 9, SIGKILL).")
    assert not failed.folder.exists()
    with pytest.raises(StudioError, match="never finished"):
        studio.export(failed.id, studio.directories.data)
    with pytest.raises(StudioError, match="cannot be begun again"):
        studio.make(failed.id)
    assert studio.generate(ask())[0].status is Status.COMPLETED


def test_a_kill_from_outside_in_mid_generation(studio: Studio) -> None:
    def strike(_: object) -> None:
        pid = studio._process.pid
        if pid:
            os.kill(pid, signal.SIGKILL)

    with pytest.raises(GenerationFailed, match="SIGKILL"):
        studio.generate(ask(engine="slow"), on_chunk=strike)
    assert studio.generate(ask())[0].status is Status.COMPLETED


def test_takes_that_can_are_made_as_one_batch(studio: Studio) -> None:
    paths: list[Path] = []
    seen: list[Progress] = []
    request = ask(engine="together", takes=3, seed=7, tempo=120)
    tracks = studio.generate(request, seen.append, lambda chunk: paths.append(chunk.path))
    assert [track.seed for track in tracks] == [7, 8, 9]
    assert {track.status for track in tracks} == {Status.COMPLETED}
    assert all(track.recipe["details"]["together"] for track in tracks)
    assert [track.recipe["details"]["made"] for track in tracks] == list(range(1, 4)), "by one order, in one process"
    assert len(set(paths[:3])) == 3, "they grow side by side"
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    (again,) = studio.generate(studio.request_of(tracks[1].id))
    assert np.array_equal(*(read_audio(mix_path(track.folder))[0] for track in (again, tracks[1])))
    assert not any((studio.directories.library / "staging").iterdir())


def test_one_of_a_batch_failing_leaves_the_others(studio: Studio) -> None:
    before = studio.library.count()
    with pytest.raises(GenerationFailed, match="tired"):
        studio.generate(ask(engine="together-tired", takes=3, seed=7, tempo=120))
    tracks = studio.library.list()[: studio.library.count() - before]
    assert {track.seed: track.status for track in tracks} == {
        7: Status.COMPLETED, 8: Status.FAILED, 9: Status.COMPLETED,
    }  # fmt: skip
    assert [track.error for track in tracks if track.seed == 8] == ["The fake is tired. Let it sleep."]


def test_a_crash_fails_all_of_a_batch_that_had_not_ended(studio: Studio) -> None:
    tracks = studio.submit(ask(engine="together-mortal", takes=3, seed=7, tempo=120))
    ended: dict[str, object] = {}
    studio.make_together([track.id for track in tracks], lambda _: None, lambda *_: None, ended.__setitem__)
    assert list(ended) == [track.id for track in tracks]
    for track in tracks:
        assert isinstance(ended[track.id], GenerationFailed)
        assert studio.library.get(track.id).status is Status.FAILED
        assert "stopped unexpectedly" in studio.library.get(track.id).error
    assert not any((studio.directories.library / "staging").iterdir())


def test_a_cancelled_batch_leaves_nothing_and_enough_keeps_all_of_it(studio: Studio) -> None:
    before = studio.library.count()
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        studio.generate(ask(engine="together-slow", takes=3), on_chunk=lambda _: cancel.cancel(), cancel=cancel)
    assert studio.library.count() == before
    assert not any((studio.directories.library / "staging").iterdir())
    cancel = CancelToken()
    cancel.keep()
    tracks = studio.generate(ask(engine="together", takes=3), cancel=cancel)
    assert len(tracks) == 3
    assert {track.recipe["note"] for track in tracks} == {"It was ended early."}
    assert all(0 < track.duration_s < 5 for track in tracks)


def test_a_take_of_a_batch_that_went_away_leaves_the_others(studio: Studio) -> None:
    first, gone, last = studio.submit(ask(engine="together", takes=3))
    studio.discard(gone.id)
    ended: dict[str, object] = {}
    ids = [first.id, gone.id, last.id]
    studio.make_together(ids, lambda _: None, lambda *_: None, ended.__setitem__)
    assert isinstance(ended[gone.id], TrackNotFound)
    assert {studio.library.get(track.id).status for track in (first, last)} == {Status.COMPLETED}


def test_chunks_can_be_listened_to(studio: Studio) -> None:
    frames: list[int] = []
    (track,) = studio.generate(ask(), on_chunk=lambda chunk: frames.append(chunk.frames))
    assert frames[-1] == track.frames
    assert len(frames) == fake_engine.STEPS


def test_an_engine_without_stems(studio: Studio, tmp_path: Path) -> None:
    (track,) = studio.generate(ask(engine="monolith"))
    assert studio.export(track.id, tmp_path / "mix.wav", encoding=Encoding("wav")).exists()
    with pytest.raises(FileProblem, match="has no stems"):
        studio.export_stems(track.id, tmp_path / "stems", Encoding("wav"))
    with pytest.raises(FileProblem, match="has no stems"):
        studio.export(track.id, tmp_path / "mixed.wav", mix=Mix().without("vocals"))
    quiet = studio.export(track.id, tmp_path / "q.wav", encoding=Encoding("wav", "FLOAT"), mix=Mix(master_db=-6.0))
    whole, _ = read_audio(mix_path(track.folder))
    np.testing.assert_allclose(read_audio(quiet)[0], whole * 10 ** (-6 / 20), atol=1e-6)
    assert music_track(track, studio, deliver=False)["stems"] is None


def test_closing_forgets_what_was_not_begun(tmp_path: Path) -> None:
    directories = Directories.below(tmp_path)
    with Studio(directories, engines=engines) as first:
        first.submit(ask(engine="fake", takes=2))
        assert first.library.count() == 2
    with Studio(directories, engines=engines) as second:
        assert second.library.count() == 0


# -- export ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "tolerance"),
    [
        (Encoding("wav", "PCM_16"), 2**-14),
        (Encoding("wav", "PCM_24"), 2**-22),
        (Encoding("wav", "FLOAT"), 0.0),
        (Encoding("flac", "PCM_16"), 2**-14),
        (Encoding("flac", "PCM_24"), 2**-22),
    ],
)
def test_the_same_take_in_another_format(
    studio: Studio, take: Track, tmp_path: Path, encoding: Encoding, tolerance: float
) -> None:
    path = studio.export(take.id, tmp_path / f"x.{encoding.format}", part="drums", encoding=encoding)
    audio, rate = read_audio(path)
    master, _ = read_audio(stem_path(take.folder, "drums"))
    assert rate == 44100
    np.testing.assert_allclose(audio, master, atol=tolerance, rtol=0)


@pytest.mark.parametrize("kind", ["mp3", "ogg"])
def test_lossy_formats_keep_the_length_and_the_sound(studio: Studio, take: Track, tmp_path: Path, kind: str) -> None:
    path = studio.export(take.id, tmp_path / f"x.{kind}", encoding=Encoding(kind))
    audio, _ = read_audio(path)
    master, _ = read_audio(mix_path(take.folder))
    assert audio_frames(path) == (take.frames, 44100)
    correlation = np.corrcoef(audio[:, 0], master[:, 0])[0, 1]
    assert correlation > 0.95


def test_exported_files_say_what_they_are(studio: Studio, take: Track, tmp_path: Path) -> None:
    mix = studio.export(take.id, tmp_path / "x.mp3", encoding=Encoding("mp3"))
    said = by_mutagen(mix)
    assert (said["TIT2"], said["TBPM"], said["TKEY"]) == (take.title, "120", "Am")
    assert (said["TCON"], said["TXXX:PROMPT"], said["TXXX:SEED"]) == (take.genre, take.prompt, str(take.seed))
    assert (said["TXXX:ENGINE"], said["TXXX:LICENSE"]) == ("fake 1", "for tests")
    (drums,) = studio.drag_files(take.id, ("drums",), Encoding("wav"))
    assert by_mutagen(drums)["TIT2"] == f"{take.title} (drums)"
    log = libsndfile_log(drums)
    assert "Tempo     : 120.0" in log
    assert f"Beats     : {round(take.duration_s * 2)}" in log
    assert f"labl : 1 : {take.sections[0].name}" in log
    assert "smpl" not in log


def test_a_take_made_to_loop_is_tagged_as_a_loop(take: Track) -> None:
    tags = tags_of(replace(take, recipe={**take.recipe, "details": {"loop": True}}))
    assert tags.loop == (0, take.frames)
    assert tags_of(take).loop is None


def test_what_no_engine_made_claims_no_seed_and_keeps_its_exact_tempo(take: Track) -> None:
    found = tags_of(replace(take, engine=IMPORTED, recipe={"tempo_exact": 119.52}))
    assert (found.bpm, found.seed, found.engine, found.prompt) == (119.52, None, "", "")
    assert found.comment == "Imported audio · Licence: for tests"
    beatless = tags_of(replace(take, tempo=0))
    assert (beatless.bpm, beatless.markers) == (None, ())


def test_markers_stand_where_the_bars_are(take: Track) -> None:
    sections = (Section("intro", 0, 4.0), Section("verse", 4, 8.0))
    tags = tags_of(replace(take, tempo=97, beat_offset_s=0.25, sections=sections))
    assert tags.markers == (Marker("intro", 11025), Marker("verse", round((0.25 + 16 * 60 / 97) * 44100)))


def test_into_a_folder_nothing_is_replaced(studio: Studio, take: Track, tmp_path: Path) -> None:
    paths = [studio.export(take.id, tmp_path, encoding=Encoding("wav")) for _ in range(3)]
    assert [p.name for p in paths] == [
        "Rainy night tape_120bpm_Am.wav",
        "Rainy night tape_120bpm_Am (2).wav",
        "Rainy night tape_120bpm_Am (3).wav",
    ]


def test_a_named_file_is_replaced_whole(studio: Studio, take: Track, tmp_path: Path) -> None:
    target = tmp_path / "mine.wav"
    target.write_bytes(b"old")
    assert studio.export(take.id, target, encoding=Encoding("wav")) == target
    assert audio_frames(target) == (take.frames, 44100)
    assert list(tmp_path.iterdir()) == [target]


def test_a_cancelled_export_leaves_the_old_file(studio: Studio, take: Track, tmp_path: Path) -> None:
    target = tmp_path / "mine.wav"
    target.write_bytes(b"old")
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        studio.export(take.id, target, encoding=Encoding("wav"), cancel=cancel)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_stems_go_out_together_under_names_for_people(studio: Studio, take: Track, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "stems"
    paths = studio.export_stems(take.id, folder, Encoding("wav", "FLOAT"))
    assert [p.name for p in paths] == [f"Rainy night tape_120bpm_Am_{stem}.wav" for stem in STEMS]
    total = sum(read_audio(path)[0].astype(np.float64) for path in paths)
    np.testing.assert_allclose(total, read_audio(mix_path(take.folder))[0], atol=2**-20)
    (folder / paths[0].name).unlink()
    again = studio.export_stems(take.id, folder, Encoding("wav"))
    assert {p.stem[-4:] for p in again} == {" (2)"}, "a set keeps one number, even where one name is free"


def test_a_cancelled_set_of_stems_leaves_none(studio: Studio, take: Track, tmp_path: Path) -> None:
    cancel = CancelToken()

    def stop(progress: Progress) -> None:
        if progress.fraction > 0.5:
            cancel.cancel()

    with pytest.raises(Cancelled):
        studio.export_stems(take.id, tmp_path / "stems", Encoding("wav"), stop, cancel)
    assert list((tmp_path / "stems").iterdir()) == []


def test_a_mix_goes_out_as_heard(studio: Studio, take: Track, tmp_path: Path) -> None:
    mix = Mix({"drums": Channel(mute=True), "bass": Channel(gain_db=-6.0, pan=1.0)}, master_db=-3.0)
    path = studio.export(take.id, tmp_path / "mix.wav", encoding=Encoding("wav", "FLOAT"), mix=mix)
    audio, _ = read_audio(path)
    bass, _ = read_audio(stem_path(take.folder, "bass"))
    other, _ = read_audio(stem_path(take.folder, "other"))
    expected = bass * 10 ** (-9 / 20) * np.array([0.0, 1.0]) + other * 10 ** (-3 / 20)
    np.testing.assert_allclose(audio, expected, atol=1e-6)
    solo = studio.export(
        take.id, tmp_path / "solo.wav", encoding=Encoding("wav", "FLOAT"), mix=Mix({"other": Channel(solo=True)})
    )
    np.testing.assert_allclose(read_audio(solo)[0], other, atol=1e-6)


def test_a_mix_turned_up_is_limited_not_clipped(studio: Studio, take: Track, tmp_path: Path) -> None:
    loud = Mix(master_db=6.0)
    limited, _ = read_audio(studio.export(take.id, tmp_path / "l.wav", encoding=Encoding("wav"), mix=loud))
    free, _ = read_audio(studio.export(take.id, tmp_path / "f.wav", encoding=Encoding("wav", "FLOAT"), mix=loud))
    assert abs(free).max() > 1.0, "float files hold what is over full scale"
    assert abs(limited).max() <= 10 ** (-1 / 20) + 1e-3


@pytest.mark.parametrize("part", ["tuba", "../mix", ""])
def test_an_unknown_part_is_refused(studio: Studio, take: Track, tmp_path: Path, part: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^part must be one of mix, drums, .*rest, not "):
        studio.export(take.id, tmp_path, part=part)


def test_export_into_nowhere_and_of_nothing(studio: Studio, take: Track, tmp_path: Path) -> None:
    with pytest.raises(FileProblem):
        studio.export(take.id, tmp_path / "no" / "folder" / "x.wav", encoding=Encoding("wav"))
    with pytest.raises(TrackNotFound):
        studio.export("trk_000000000000", tmp_path)
    (pending,) = studio.submit(ask())
    with pytest.raises(StudioError, match="is not finished yet"):
        studio.export(pending.id, tmp_path)
    studio.discard(pending.id)


def test_a_master_that_was_removed_is_told(studio: Studio, tmp_path: Path) -> None:
    (track,) = studio.generate(ask())
    mix_path(track.folder).unlink()
    with pytest.raises(FileProblem, match="no longer in the library"):
        studio.export(track.id, tmp_path)


# -- drag --------------------------------------------------------------------------------------------------------


def test_dragged_files_are_made_once_and_kept(studio: Studio, take: Track) -> None:
    parts, encoding = ("drums", "mix"), Encoding("flac", "PCM_16")
    assert studio.ready_drag_files(take.id, parts, encoding) is None
    made = studio.drag_files(take.id, parts, encoding)
    assert [p.name for p in made] == ["Rainy night tape_120bpm_Am_drums.flac", "Rainy night tape_120bpm_Am.flac"]
    assert all(audio_frames(p) == (take.frames, 44100) for p in made)
    stamps = [p.stat().st_mtime_ns for p in made]
    assert studio.drag_files(take.id, parts, encoding) == made == studio.ready_drag_files(take.id, parts, encoding)
    assert [p.stat().st_mtime_ns for p in made] == stamps
    assert studio.ready_drag_files(take.id, parts, Encoding("flac", "PCM_24")) is None
    other = studio.drag_files(take.id, parts, Encoding("flac", "PCM_24"))
    assert set(other).isdisjoint(made)


def test_a_new_title_makes_a_new_file_and_leaves_the_old(studio: Studio) -> None:
    (track,) = studio.generate(ask(tempo=100))
    (old,) = studio.drag_files(track.id, ("mix",))
    studio.library.rename(track.id, "CON / morning?")
    assert studio.ready_drag_files(track.id, ("mix",)) is None
    (new,) = studio.drag_files(track.id, ("mix",))
    assert (old.exists(), new.name) == (True, "CON morning_100bpm_Am.wav")


def test_a_purged_take_takes_its_files_along(studio: Studio) -> None:
    (track,) = studio.generate(ask())
    (file,) = studio.drag_files(track.id, ("mix",))
    studio.library.delete(track.id)
    assert file.exists()
    assert studio.purge() == [track.id]
    assert not file.exists()
    assert not track.folder.exists()


def test_two_threads_dragging_the_same_get_whole_files(studio: Studio) -> None:
    (track,) = studio.generate(ask())
    results: list[list[Path]] = []
    threads = [threading.Thread(target=lambda: results.append(studio.drag_files(track.id))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results[0] == results[1] == results[2]
    assert all(audio_frames(path) == (track.frames, 44100) for path in results[0])


def test_delivery_is_the_take_in_its_own_format(studio: Studio) -> None:
    (track,) = studio.generate(ask(output_format="ogg"))
    assert studio.ready_delivery(track.id) is None
    path = studio.delivery(track.id)
    assert path.suffix == ".ogg"
    assert path.read_bytes()[:4] == b"OggS"
    assert studio.ready_delivery(track.id) == path


# -- the reference's MusicTrack ----------------------------------------------------------------------------------


def test_a_finished_take_as_music_track(studio: Studio, take: Track, as_path: Callable[[str], Path]) -> None:
    shown = json.loads(json.dumps(music_track(take, studio)))
    assert (shown["id"], shown["status"], shown["duration"], shown["tempo"]) == (take.id, "completed", 5, 120)
    assert shown["created_at"] == take.created_iso
    assert shown["prompt"] == "Rainy night tape, jazzy Rhodes"
    assert as_path(shown["audio_url"]).suffix == ".mp3"
    assert shown["download_url"] == shown["audio_url"]
    assert as_path(shown["waveform_url"]) == waveform_path(take.folder)
    assert set(shown["stems"]) == {"vocals", "drums", "bass", "other"}
    assert as_path(shown["stems"]["bass"]) == stem_path(take.folder, "bass")


def test_what_is_not_there_yet_is_null(studio: Studio) -> None:
    (pending,) = studio.submit(ask())
    shown = music_track(pending, studio)
    assert shown["status"] == "pending"
    assert (shown["audio_url"], shown["download_url"], shown["waveform_url"]) == (None, None, None)
    assert set(shown["stems"].values()) == {None}
    studio.discard(pending.id)
    (done,) = studio.generate(ask())
    listed = music_track(done, studio, deliver=False)
    assert listed["download_url"] is None
    assert listed["audio_url"].endswith("mix.flac")


@pytest.fixture
def as_path() -> Callable[[str], Path]:
    from urllib.parse import unquote, urlparse

    def convert(url: str) -> Path:
        parts = urlparse(url)
        assert parts.scheme == "file"
        path = Path(unquote(parts.path))
        assert path.is_file()
        return path

    return convert


# -- settings ----------------------------------------------------------------------------------------------------


def test_settings_are_kept(tmp_path: Path) -> None:
    directories = Directories.below(tmp_path)
    with Studio(directories) as first:
        first.update_settings(theme="light", volume_db=-6.0)
    with Studio(directories) as second:
        assert (second.settings.theme, second.settings.volume_db) == ("light", -6.0)


def test_deleted_takes_are_purged_after_a_week(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directories = Directories.below(tmp_path)
    with Studio(directories, engines=engines) as first:
        (track,) = first.generate(ask(engine="fake"))
        first.library.delete(track.id)
    with Studio(directories, engines=engines) as second:
        assert second.library.restore(track.id).status is Status.COMPLETED
        second.library.delete(track.id)
    week_s = 7 * 24 * 3600
    import time

    now = time.time()
    monkeypatch.setattr("nur_studio.library.library.time.time", lambda: now + week_s + 60)
    with Studio(directories, engines=engines) as third, pytest.raises(TrackNotFound):
        third.library.restore(track.id)
    assert not track.folder.exists()
