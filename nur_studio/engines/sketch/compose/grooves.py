"""Drum patterns by groove: what each sound plays, from which energy on, in variants to alternate between."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One sound of a groove. It plays where the section's energy is from `enter` to `leave`."""

    sound: str
    enter: float
    patterns: tuple[str, ...]
    leave: float = 2.0
    level: float = 1.0


@dataclass(frozen=True, slots=True)
class Groove:
    """A groove: its lines in four-four, in sixteenths. `fill` names how it leads into a new section."""

    lines: tuple[Line, ...]
    fill: str = "toms"
    crash: bool = True
    half: tuple[str, ...] = ()  # snare patterns in half-time, empty for the usual one on three
    rolls: float = 0.0  # how often the hats roll in 32nds and triplets


def _l(sound: str, enter: float, *patterns: str, leave: float = 2.0, level: float = 1.0) -> Line:
    return Line(sound, enter, patterns, leave, level)


_EIGHTHS = ("x.o.x.o.x.o.x.o.", "x.o.x.o.x.o.x.og")
_SIXTEENTHS = ("xgogxgogxgogxgog", "xgogxgogxgogxoog")

GROOVES: dict[str, Groove] = {
    "lofi": Groove((
        _l("kick", 0.45, "X.......x.x.....", "X......x..x.....", "X.......x.x...o.", "X..x......x....."),
        _l("snare", 0.55, "....x.......x...", "....x..g....x...", "....x.......x..g"),
        _l("rim", 0.2, "....o.......o...", leave=0.55),
        _l("hat", 0.25, "x.o.x.o.x.o.x.o.", "x.o.x.ogx.o.x.o.", "x.o.xgo.x.o.xgo."),
        _l("hat_open", 0.8, "..............o.", "................", "......o.........", level=0.7),
        _l("shaker", 0.9, "o.g.o.g.o.g.o.g.", level=0.6),
    ), fill="drop", crash=False),
    "boombap": Groove((
        _l("kick", 0.4, "X......x..X.....", "X.x.......X..x..", "X......x.xX.....", "X.........X....x"),
        _l("snare", 0.4, "....X.......X...", "....X..g....X..g", "....X.......X.g."),
        _l("hat", 0.25, "x.o.x.o.x.o.x.o.", "x.ogx.o.x.ogx.o.", "x.o.x.ogxgo.x.o."),
        _l("hat_open", 0.75, "..........o.....", "................", "..............o.", level=0.8),
        _l("tambourine", 0.95, "....o.......o...", level=0.6),
    ), fill="snare", crash=True),
    "trap": Groove((
        _l("kick", 0.5, "X.....x...x.....", "X..x......x..x..", "X.....x..x......", "X......x..x....."),
        _l("clap", 0.45, "........X.......", "........X......g", "........X......."),
        _l("snare", 0.7, "........x.......", level=0.7),
        _l("hat", 0.3, "x.o.x.o.x.o.x.o.", "x.oox.o.x.o.xoo.", "x.o.x.o.x.oox.o."),
        _l("hat_open", 0.7, "......o.........", "..............o.", "................", level=0.8),
        _l("rim", 0.85, "...o......o.....", "...........o..o.", level=0.7),
    ), fill="snare", crash=True, half=("........X.......",), rolls=0.55),
    "house": Groove((
        _l("kick", 0.5, "X...X...X...X...", "X...X...X...X...", "X...X...X...X..o"),
        _l("clap", 0.55, "....X.......X...", "....X.......X..g"),
        _l("hat_open", 0.5, "..x...x...x...x."),
        _l("hat", 0.25, "o.g.o.gxo.g.o.gx", "o.gxo.g.o.gxo.gx"),
        _l("shaker", 0.7, "ogxgogxgogxgogxg"),
        _l("rim", 0.8, "...o..o....o..o.", "...o..o...o....o", level=0.7),
        _l("conga_high", 0.92, "...o......o..o..", "..o....o...o....", level=0.7),
    ), fill="roll", crash=True),
    "techno": Groove((
        _l("kick", 0.4, "X...X...X...X..."),
        _l("rumble", 0.5, "..o...o...o...o.", "..oo..oo..oo..oo"),
        _l("hat_open", 0.6, "..x...x...x...x."),
        _l("hat", 0.3, "g.oxg.oxg.oxg.ox", "gxo.gxo.gxoxgxo."),
        _l("clap", 0.75, "....x.......x...", "............x..."),
        _l("ride", 0.95, "x.x.x.x.x.x.x.x.", level=0.6),
        # Three against four: the accent walks through the bar.
        _l("tick", 0.45, "x..x..x..x..x..x", ".x..x..x..x..x..", "..x..x..x..x..x."),
        _l("tom_low", 0.8, "...o..o....o....", ".......o..o...o.", level=0.8),
    ), fill="cut", crash=True),
    "trance": Groove((
        _l("kick", 0.5, "X...X...X...X..."),
        _l("clap", 0.55, "....X.......X..."),
        _l("hat_open", 0.5, "..X...X...X...X."),
        _l("hat", 0.35, "g.oxg.oxg.oxg.ox", "gxoxgxoxgxoxgxox"),
        _l("ride", 0.95, "..x...x...x...x.", level=0.7),
        _l("shaker", 0.8, "ogogogogogogogog", level=0.7),
    ), fill="roll", crash=True),
    "dnb": Groove((
        _l("kick", 0.45, "X.........X.....", "X.........X..o..", "X.o.......X....."),
        _l("snare", 0.5, "....X..g.g..X..g", "....X..g....X.g.", "....X.gg.g..X..g"),
        _l("hat", 0.28, "x.o.x.o.x.o.x.o.", "x.oox.o.x.o.x.oo"),
        _l("ride", 0.85, "x.x.x.x.x.x.x.x.", level=0.6),
        _l("shaker", 0.6, "g.xgg.xgg.xgg.xg", level=0.7),
        _l("hat_open", 0.7, "..............o.", "......o.........", level=0.8),
    ), fill="break", crash=True, half=("........X.......",)),
    "dubstep": Groove((
        _l("kick", 0.45, "X.........x.....", "X..x......x.....", "X.....x........."),
        _l("snare", 0.45, "........X.......", "........X......g"),
        _l("clap", 0.8, "........X......."),
        _l("hat", 0.3, "x...o.x.x...o...", "x.o...x...o.x.o.", "x...o.xox...o.o."),
        _l("hat_open", 0.7, "............o...", "................"),
    ), fill="roll", crash=True, half=("........X.......",)),
    "garage": Groove((
        _l("kick", 0.45, "X.........x.....", "X......x..x.....", "X.........x..o.."),
        _l("snare", 0.5, "....X.......X...", "....X..g....X..g", "....X.......X.g."),
        _l("hat", 0.28, "..xg..x...xg..xg", "..x...xg..xg..x."),
        _l("shaker", 0.6, "ogxgogxgogxgogxg", level=0.7),
        _l("rim", 0.75, ".......o..o....o", "...o......o..o..", level=0.8),
        _l("hat_open", 0.8, "..............x.", level=0.7),
    ), fill="drop", crash=True),
    "electro": Groove((
        _l("kick", 0.45, "X..x....X.......", "X.....x.X.......", "X..x...x.X......"),
        _l("snare", 0.5, "....X.......X...", "....X.......X..g"),
        _l("clap", 0.85, "....x.......x..."),
        _l("hat", 0.3, "xgo.xgogxgo.xgog", "xgogxgo.xgogxoog"),
        _l("hat_open", 0.7, "..............x.", "......x.........", "................"),
        _l("rim", 0.65, "......o..o......", "..o........o....", ".......o......o.", level=0.8),
    ), fill="roll", crash=True),
    "synthwave": Groove((
        _l("kick", 0.4, "X...X...X...X...", "X.......X.x.....", "X...X...X...X.x."),
        _l("snare", 0.45, "....X.......X..."),
        _l("hat", 0.3, "x.o.x.o.x.o.x.o.", "xgogxgogxgogxgog"),
        _l("hat_open", 0.8, "..x...x...x...x.", level=0.6),
        _l("tambourine", 0.95, "....x.......x...", level=0.6),
    ), fill="toms", crash=True),
    "chip": Groove((
        _l("kick", 0.4, "X.....x.X.......", "X...x...X..x...."),
        _l("snare", 0.5, "....X.......X...", "....X.......X.x."),
        _l("hat", 0.3, "x.x.x.x.x.x.x.x.", "xoxoxoxoxoxoxoxo"),
    ), fill="snare", crash=True),
    "downtempo": Groove((
        _l("kick", 0.4, "X.........x.....", "X......x..x.....", "X..x......x....."),
        _l("snare", 0.45, "....X.......X...", "....X..g....X..."),
        _l("hat", 0.28, "x.o.x.o.x.o.x.o.", "xgo.x.ogx.o.xgo."),
        _l("shaker", 0.7, "g.x.g.x.g.x.g.x.", level=0.7),
        _l("bongo_high", 0.85, "...o......o..o..", ".......o..o.....", level=0.7),
    ), fill="drop", crash=True),
    "pop": Groove((
        _l("kick", 0.42, "X.....x.X.......", "X......xX.......", "X...x...X..x....", "X.....x.X.x....."),
        _l("snare", 0.5, "....X.......X...", "....X.......X..."),
        _l("clap", 0.7, "....x.......x...", "....x.......x.o."),
        _l("hat", 0.28, *_EIGHTHS),
        _l("hat_open", 0.85, "..............x.", "................", "......x........."),
        _l("tambourine", 0.9, "o.x.o.x.o.x.o.x.", level=0.65),
        _l("shaker", 0.62, "g.o.g.o.g.o.g.o.", leave=0.9, level=0.7),
    ), fill="toms", crash=True),
    "rock": Groove((
        _l("kick", 0.4, "X.....x.X.......", "X.......X.x.....", "X..x....X.x.....", "X.....x.X.x...x."),
        _l("snare", 0.4, "....X.......X...", "....X.......X..g", "....X..g....X..."),
        _l("hat", 0.3, "X.x.X.x.X.x.X.x.", leave=0.9),
        _l("ride", 0.9, "X.x.X.x.X.x.X.x."),
        _l("hat_open", 0.7, "..............x.", "................", "................", leave=0.9),
    ), fill="toms", crash=True),
    "punk": Groove((
        _l("kick", 0.35, "X...X...X...X...", "X...X..xX...X...", "X..xX...X..xX..."),
        _l("snare", 0.35, "..X...X...X...X.", "..X...X...X...XX"),
        _l("hat_open", 0.5, "x.x.x.x.x.x.x.x.", leave=0.9),
        _l("crash", 0.9, "x...x...x...x...", level=0.55),
        _l("hat", 0.3, "x.x.x.x.x.x.x.x.", leave=0.5),
    ), fill="toms", crash=True, half=("....X.......X...",)),
    "metal": Groove((
        _l("kick", 0.4, "X.xxX.xxX.xxX.xx", "xxxxxxxxxxxxxxxx", "X..xx.x.X..xx.x.", "X.xx.xx.xx.xx.x."),
        _l("snare", 0.4, "....X.......X...", "....X.......X.xx"),
        _l("hat_open", 0.3, "x...x...x...x...", leave=0.85, level=0.8),
        _l("ride_bell", 0.85, "x...x...x...x...", "x.o.x.o.x.o.x.o.", level=0.8),
        _l("crash", 0.98, "x.......x.......", level=0.6),
    ), fill="toms", crash=True),
    "funk": Groove((
        _l("kick", 0.4, "X.x.......x..x..", "X.....x...x.....", "X..x......x..x.."),
        _l("snare", 0.4, "....X..g.g..X..g", "....X..g.g.gX...", "....X.g..g..X..g"),
        _l("hat", 0.25, *_SIXTEENTHS),
        _l("hat_open", 0.6, "..............x.", ".......x........", "..............x."),
        _l("conga_high", 0.75, "..o..o....o..o..", "...o..o...oo....", level=0.7),
        _l("conga_low", 0.75, "......oo......oo", "..........o...oo", level=0.7),
        _l("cowbell", 0.95, "x...x...x...x...", level=0.5),
    ), fill="snare", crash=True),
    "disco": Groove((
        _l("kick", 0.4, "X...X...X...X..."),
        _l("snare", 0.45, "....X.......X...", "....X.......X..g"),
        _l("hat_open", 0.45, "..X...X...X...X."),
        _l("hat", 0.3, "xg.gxg.gxg.gxg.g", "x..gx..gx..gx..g"),
        _l("tambourine", 0.85, "ogxgogxgogxgogxg", level=0.6),
        _l("conga_high", 0.7, "..o..o....o..oo.", level=0.7),
        _l("clap", 0.9, "....x.......x..."),
    ), fill="toms", crash=True),
    "soul": Groove((
        _l("kick", 0.4, "X......x..x.....", "X.x.......x....x", "X......xx......."),
        _l("snare", 0.5, "....X..g....X..g", "....X.......X.g.", "....X..g.g..X..."),
        _l("rim", 0.3, "....x.......x...", leave=0.5),
        _l("hat", 0.25, "xgogxgogxgogxgog", "x.ogx.ogx.ogxgog"),
        _l("snap", 0.8, "....o.......o..."),
        _l("shaker", 0.85, "o.g.o.g.o.g.o.g.", level=0.6),
    ), fill="snare", crash=True),
    "jazz": Groove((
        # Feathered kick, ride with its skip note, pedal on two and four, a snare that converses.
        _l("kick", 0.45, "g...g...g...g...", level=0.75),
        _l("ride", 0.45, "x...x.o.x...x.o.", "x...x.o.x...x...", "x.o.x.o.x...x.o."),
        _l("hat_pedal", 0.3, "....x.......x..."),
        _l("brush_sweep", 0.2, "o...x...o...x...", leave=0.7),
        _l("snare", 0.6, "......g.........", "..............g.", "......g...g.....", "................",
            "..g...........g."),
        _l("ride_bell", 0.97, "x.......x.......", "................", level=0.5),
    ), fill="jazz", crash=True, half=("............x...",)),
    "bossa": Groove((
        _l("kick", 0.4, "x.....ox......ox", "x.....o.x.....o."),
        _l("rim", 0.3, "x..x..x...x..x..", "..x..x....x..x..", level=0.85),
        _l("shaker", 0.2, "xgogxgogxgogxgog", "xgogxgogxgogxggo"),
        _l("hat_pedal", 0.6, "....o.......o..."),
        _l("conga_low", 0.9, "......oo......o.", level=0.6),
    ), fill="none", crash=False),
    "latin": Groove((
        _l("clave", 0.3, "x..x..x...x.x...", level=0.8),
        _l("kick", 0.5, "......x.......x.", "x.....x.......x."),
        _l("conga_high", 0.25, "o.x.o...o.x.o...", "o.x.og..o.x.o.g.", level=0.9),
        _l("conga_low", 0.25, "......xx......xx", level=0.9),
        _l("cowbell", 0.7, "x.x.xxx.x.x.xxx.", "x...x...x...x...", level=0.55),
        _l("bongo_high", 0.6, "xgogxgogxgogxgog", leave=0.9, level=0.6),
        _l("shaker", 0.4, "x.gox.gox.gox.go", level=0.7),
        _l("snare", 0.85, "...o..o...o.o...", level=0.5),
    ), fill="timbal", crash=True),
    "dembow": Groove((
        _l("kick", 0.4, "X...X...X...X...", "X...X...X...X.o."),
        _l("snare", 0.4, "...x..x....x..x."),
        _l("rim", 0.6, "...o..o....o..o.", level=0.7),
        _l("hat", 0.3, "x.o.x.o.x.o.x.o.", "xgo.xgo.xgo.xgo."),
        _l("conga_high", 0.8, ".......o..o....o", level=0.7),
        _l("clap", 0.85, "......x.......x.", level=0.8),
    ), fill="snare", crash=True),
    "afrobeat": Groove((
        _l("kick", 0.4, "X.....x...x.....", "X..x....x.x....."),
        _l("snare", 0.5, "......x.....x..g", "...x..x.....x..."),
        _l("rim", 0.35, "x..x..x...x.x...", level=0.8),
        _l("shaker", 0.25, "xgoxxgoxxgoxxgox", level=0.8),
        _l("conga_high", 0.55, "..o..o....o..oo.", "..o..oo...o..o..", level=0.75),
        _l("conga_low", 0.55, "o......oo......o", level=0.75),
        _l("hat", 0.6, "..x...x...x...x."),
        _l("cowbell", 0.85, "x.x..x.x.x.x..x.", level=0.45),
    ), fill="timbal", crash=True),
    "onedrop": Groove((
        _l("kick", 0.35, "........X.......", "........X.......", "........X.....o."),
        _l("rim", 0.35, "........x.......", "........x..g..o.", level=0.9),
        _l("hat", 0.25, "x.o.x.o.x.o.x.o.", "x.o.x.oox.o.x.o."),
        _l("hat_open", 0.75, "......o.........", "..............o.", "................", level=0.8),
        _l("shaker", 0.7, "o.x.o.x.o.x.o.x.", level=0.6),
        _l("bongo_high", 0.85, "...o..o......oo.", level=0.6),
    ), fill="timbal", crash=True, half=("........x.......",)),
    "blues": Groove((
        _l("kick", 0.4, "X.......X.....o.", "X.....o.X.......", "X.......X......."),
        _l("snare", 0.4, "....X.......X...", "....X.......X.g."),
        _l("hat", 0.3, "x.o.x.o.x.o.x.o.", leave=0.85),
        _l("ride", 0.85, "x.o.x.o.x.o.x.o."),
        _l("hat_pedal", 0.85, "....o.......o..."),
    ), fill="snare", crash=True),
    "folk": Groove((
        _l("kick", 0.55, "x.......x.......", "x.......x.o....."),
        _l("brush_sweep", 0.45, "....x.......x..."),
        _l("shaker", 0.6, "o.g.x.g.o.g.x.g.", level=0.8),
        _l("tambourine", 0.9, "....x.......x...", level=0.7),
        _l("snare", 0.8, "....o.......o...", level=0.7),
    ), fill="none", crash=False),
    "train": Groove((
        _l("kick", 0.4, "X.......X.......", "X.......X.....o."),
        # The train: sixteenths on the snare, the accents on the off-beats.
        _l("snare", 0.45, "ggxgggxgggxgggxg", "ggxgggxgggxgggxx"),
        _l("hat_pedal", 0.4, "....o.......o..."),
        _l("tambourine", 0.85, "....x.......x...", level=0.7),
    ), fill="snare", crash=True),
    "cinematic": Groove((
        # A march under the phrase: the great drums mark every beat, what lies between them changes.
        _l("taiko", 0.45, "X...x..xX...x...", "X..xx...X..xx.x.", "X...x.x.X.x.x.xx", "X..xx..xX..xx.x."),
        _l("boom", 0.35, "X...............", "................", "X..............."),
        _l("tick", 0.25, "X.o.x.o.X.o.x.o.", "XgogxgogXgogxgog", level=0.85),
        _l("tom_low", 0.75, "xggxggxgxggxggxg", "xggxggxggxggxgxg", level=0.75),
        _l("snare", 0.9, "........x.......", "....x..gg...x.gg", level=0.6),
    ), fill="taiko", crash=True),
    "none": Groove((), fill="none", crash=False),
}  # fmt: skip
