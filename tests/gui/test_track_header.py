"""The head of the track view: extending a take, how it was made, where its sections begin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from nur_studio.audio.peaks import PeakPyramid
from nur_studio.core.controls import Controls, Reference, SectionPrompt
from nur_studio.core.request import GenerationRequest
from nur_studio.core.timing import Section
from nur_studio.core.track import Status, Track
from nur_studio.gui.recipe_card import RecipeCard, recipe_lines
from nur_studio.gui.track_view import TrackView

MakeTrack = Callable[..., Track]


@pytest.fixture
def view(themed: QApplication, qtbot: QtBot) -> TrackView:
    view = TrackView()
    qtbot.addWidget(view)
    view.resize(1000, 520)
    view.show()
    qtbot.waitExposed(view)
    return view


def recipe(controls: Controls, **more: Any) -> Mapping[str, Any]:
    return {"request": asdict(GenerationRequest("lo-fi", controls=controls)), **more}


def test_extend_is_offered_where_engine_and_take_allow_it(
    view: TrackView, make_track: MakeTrack, peaks: dict[str, PeakPyramid], qtbot: QtBot
) -> None:
    track = make_track()
    view.show_track(track, [track], peaks)
    assert view.header.extend.isHidden()
    with qtbot.assertNotEmitted(view.extend_requested):
        qtbot.keyClick(view, Qt.Key.Key_E)
    view.header.set_extendable(True)
    assert view.header.extend.isVisible()
    with qtbot.waitSignal(view.extend_requested):
        qtbot.mouseClick(view.header.extend, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(view.extend_requested):
        qtbot.keyClick(view, Qt.Key.Key_E)
    failed = replace(track, status=Status.FAILED, error="It went wrong.")
    view.show_failed(failed, [failed])
    assert view.header.extend.isHidden()


def test_a_licence_that_forbids_selling_is_said_once_and_in_short(
    view: TrackView, make_track: MakeTrack, peaks: dict[str, PeakPyramid]
) -> None:
    track = make_track(licence="weights CC BY-NC 4.0: what is made with them is not for sale")
    view.show_track(track, [track], peaks)
    assert "weights CC BY-NC 4.0, not for sale ·" in view.header.facts.text


def test_a_recipe_says_what_was_set_and_nothing_else(make_track: MakeTrack) -> None:
    assert recipe_lines(make_track(recipe=recipe(Controls()), licence="CC0")) == [
        ("Prompt", "lo-fi"),
        ("Licence", "CC0"),
    ]
    controls = Controls(
        description="lo-fi. bpm: 85",
        negative="vocals",
        guidance=4.0,
        sections=(SectionPrompt(8, "pads"),),
        reference=Reference("continue", "trk_b"),
        loop=True,
    )
    details = {
        "device": "NVIDIA H100",
        "precision": "bfloat16",
        "descriptions": ["what was sent", "and for the section"],
        "window_s": 15.0,
        "windows": [
            {"carry_s": 0.0, "rolls": [{"faults": ["silence"]}, {"faults": []}]},
            {"carry_s": 5.647, "rolls": [{"faults": ["repetition"]}]},
        ],
    }
    full = make_track(recipe=recipe(controls, details=details, note="Ended early."), licence="CC BY-NC 4.0")
    assert dict(recipe_lines(full)) == {
        "Note": "Ended early.",
        "Prompt": "lo-fi",
        "Sent": "what was sent\nand for the section",
        "Avoided": "vocals",
        "Sections": "bar 9: pads",
        "Started from": "continued from trk_b",
        "Sampling": "guidance 4, left for looping",
        "Windows": "2 of up to 15 s, each going on from the last 5.65 s; made again: 1 (silence)",
        "Made on": "NVIDIA H100, bfloat16",
        "Licence": "CC BY-NC 4.0",
    }


@pytest.mark.parametrize("damage", [{}, {"request": 5}, {"request": {"controls": {"sections": 3, "reference": "x"}}}])
def test_a_recipe_that_is_damaged_is_shown_as_far_as_it_goes(make_track: MakeTrack, damage: Mapping[str, Any]) -> None:
    names = [name for name, _ in recipe_lines(make_track(recipe={**damage, "details": {"windows": [4, None]}}))]
    assert names[0] == "Prompt"


def test_the_recipe_opens_with_a_key_and_closes_with_another(
    view: TrackView, make_track: MakeTrack, peaks: dict[str, PeakPyramid], qtbot: QtBot
) -> None:
    track = make_track(recipe=recipe(Controls(negative="vocals")))
    view.show_track(track, [track], peaks)
    qtbot.keyClick(view, Qt.Key.Key_I)
    card = view.findChild(RecipeCard)
    assert card is not None
    assert "vocals" in [label.text() for label in card.findChildren(QLabel)]
    qtbot.keyClick(card, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: view.findChild(RecipeCard) is None)


def test_sections_are_marked_on_the_ruler(
    view: TrackView, make_track: MakeTrack, peaks: dict[str, PeakPyramid]
) -> None:
    track = make_track(sections=(Section("intro", 0, 4.0), Section("beat", 4, 4.0), Section("never", 99, 1.0)))
    view.show_track(track, [track], peaks)
    ruler = view.lanes.lanes["mix"].ruler
    assert ruler is not None
    middle = view.timeline.x_of(4 * 4 * 22_050)
    assert ruler.section_at(middle + 3) == "Bar 5: beat"
    assert ruler.section_at(3) == "Bar 1: intro"
    assert ruler.section_at(middle + 40) == ""
    with_flag = ruler.grab().toImage()
    view.timeline.set_sections(())
    assert ruler.grab().toImage() != with_flag


def test_a_track_without_a_tempo_claims_none_and_counts_seconds(
    view: TrackView, make_track: MakeTrack, peaks: dict[str, PeakPyramid]
) -> None:
    imported = make_track(tempo=0, engine="import", key="", tempo_measured=None)
    view.show_track(imported, [imported], peaks)
    assert [fact.text for fact in view.header._tempo] == ["no steady beat"]
    assert view.transport.bar.text == "–"
    labels = [tick.label for tick in view.timeline.ticks() if tick.label]
    assert labels[0] == "0:00"
    assert all(":" in label for label in labels)
    assert view.timeline.snap(12345.0) == 12345, "there is no beat to snap to"
    heard = make_track(tempo=93, engine="import", tempo_measured=92.53, id="trk_bbbbbbbbbbbb", group_id="other")
    view.show_track(heard, [heard], peaks)
    assert [fact.text for fact in view.header._tempo] == ["92.53 BPM"], "nobody asked for one, nobody chose it"
    assert view.transport.bar.text == "1.1.1"
    assert view.timeline.ticks()[0].label == "1"
