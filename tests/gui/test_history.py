"""Undo and redo: one order, passing over what belongs to takes that are not on show."""

from __future__ import annotations

import pytest

from nur_studio.gui.history import History, Step


class Desk:
    """Steps that write down what was done."""

    def __init__(self) -> None:
        self.shown = "a"
        self.log: list[str] = []
        self.history = History(lambda: self.shown)

    def do(self, name: str, scope: str = "", merge: object = None) -> Step:
        step = Step(lambda: self.log.append(f"-{name}"), lambda: self.log.append(f"+{name}"), scope, merge)
        self.history.push(step)
        return step


@pytest.fixture
def desk(qapp: object) -> Desk:
    return Desk()


def test_the_newest_is_undone_first_and_done_again_last(desk: Desk) -> None:
    desk.do("mute", "a")
    desk.do("delete")
    for act in (desk.history.undo, desk.history.undo, desk.history.undo, desk.history.redo, desk.history.redo):
        act()
    assert desk.log == ["-delete", "-mute", "+mute", "+delete"]
    desk.history.redo()
    desk.history.undo()
    assert desk.log[4:] == ["-delete"]


def test_what_is_not_on_show_is_passed_over_and_waits(desk: Desk) -> None:
    desk.do("mute in a", "a")
    desk.do("delete")
    desk.do("solo in b", "b")
    desk.history.undo()
    desk.history.undo()
    assert desk.log == ["-delete", "-mute in a"]
    desk.shown = "b"
    desk.history.undo()
    assert desk.log[2:] == ["-solo in b"]
    desk.shown = ""
    desk.history.redo()
    assert desk.log[3:] == ["+delete"]


def test_a_drag_is_one_step(desk: Desk) -> None:
    for number in range(3):
        desk.do(f"gain {number}", "a", ("drums", "gain", 1))
    desk.do("next", "a", ("drums", "gain", 2))
    desk.history.undo()
    desk.history.undo()
    assert desk.log == ["-next", "-gain 0"]
    desk.history.redo()
    assert desk.log[2:] == ["+gain 2"]
    desk.do("later", "a", ("drums", "gain", 1))
    desk.history.undo()
    assert desk.log[3:] == ["-later"], "what was undone and done again is closed"


def test_a_new_step_ends_what_could_be_done_again_of_its_own_take_only(desk: Desk) -> None:
    desk.do("mute", "a")
    desk.do("delete")
    desk.history.undo()
    desk.history.undo()
    desk.do("solo", "a")
    desk.history.redo()
    desk.history.redo()
    assert desk.log == ["-delete", "-mute", "+delete"]


def test_one_step_can_be_taken_back_out_of_order_and_only_once(desk: Desk) -> None:
    deleted = desk.do("delete")
    desk.do("mute", "a")
    desk.history.take_back(deleted)
    desk.history.take_back(deleted)
    desk.history.undo()
    desk.history.undo()
    assert desk.log == ["-delete", "-mute"]


def test_what_was_done_again_can_be_taken_back_again(desk: Desk) -> None:
    deleted = desk.do("delete")
    desk.history.undo()
    desk.history.redo()
    desk.history.take_back(deleted)
    assert desk.log == ["-delete", "+delete", "-delete"]


def test_a_take_that_is_another_one_now_forgets(desk: Desk) -> None:
    desk.do("mute", "a")
    desk.do("solo", "a")
    desk.do("delete")
    desk.history.undo()
    desk.history.forget("a")
    desk.history.undo()
    assert desk.log == ["-delete"]


def test_memory_is_bounded(desk: Desk) -> None:
    for number in range(700):
        desk.do(str(number), "a")
    for _ in range(700):
        desk.history.undo()
    assert len(desk.log) == 500
