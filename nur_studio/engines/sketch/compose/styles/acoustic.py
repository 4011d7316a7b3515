"""Without a beat machine: jazz, classical, cinematic, ambient."""

from __future__ import annotations

from nur_studio.engines.sketch.compose.style import Layer, Style
from nur_studio.engines.sketch.score import Finish

_COMP = (
    "......x-....x---",
    "..x-......x-....",
    "x-....x-........",
    "....x-....x-..x-",
    "..x-..x-........",
    "x---......x-....",
)

STYLES = (
    Style(
        genre="jazz", naming="jazz", modes=(("major", 0.6), ("minor", 0.25), ("dorian", 0.15)),
        minor=("i7 iim7b5 V7b9 i7", "i9 iv9 bVII13 bIIImaj7 bVImaj7 iim7b5 V7b9 i6", "i7 bVI7 V7#9 i7"),
        major=("Imaj7 VI7b9 ii9 V13", "ii9 V13 Imaj9 VI7b9", "iii7 VI7b9 ii9 V13",
            "Imaj7 IV13 iii7 VI7b9 ii9 V13 I69 V13"),
        cadence=("V7b9", "V13"), final=("i69", "I69"), groove="jazz", kit="brushes", swing=(0.63, 0.67),
            swing_unit=0.5, hand_ms=5, cells="jazz",
        bass=("upright_bass",), bass_rhythms=("R---5---t---a---",), bass_how="walking", bass_enter=0.3,
        layers=(
            Layer("Piano", "comp", ("piano",), _COMP, centre=62, voices=4, velocity=0.55, pan=-0.2, width=0.6,
                room=0.3),
            Layer("Saxophone", "lead", ("saxophone", "muted_trumpet", "trumpet", "clarinet"), enter=0.55, centre=69,
                velocity=0.68, pan=0.1, room=0.3, hall=0.1),
            Layer("Vibraphone", "fills", ("vibraphone",), enter=0.9, centre=74, velocity=0.45, pan=0.4, room=0.3,
                hall=0.12),
        ),
        ring_s=2.6, finish=Finish(warmth=0.25, glue=0.2, room_s=0.8, hall_s=1.6),
    ),
    Style(
        genre="classical", naming="classical", modes=(("major", 0.6), ("minor", 0.4)),
        minor=("i iv V7 i", "i V/4 i/3 iv6", "i bVI iv V", "i bVII bIII bVI iv iim7b5 V7 i"),
        major=("I IV V7 I", "I vi ii V7", "I V/4 vi iii IV I/4 ii V7", "I V/4 I/4 IV", "I ii/3 V7 I"),
        cadence=("V7", "V7"), groove="none", kit="orchestral", hand_ms=6, cells="classical",
        bass=("cello", "contrabass"), bass_how="ground", bass_rhythms=("R-------5-------", "R---3---5---a---",
            "R---a---R---5---"), bass_enter=0.0,
        layers=(
            Layer("Violin", "lead", ("violin", "violin", "flute", "oboe"), enter=0.0, centre=76, velocity=0.66,
                pan=-0.3, width=0.3, room=0.2, hall=0.3),
            Layer("Second voice", "counter", ("viola", "clarinet"), enter=0.25, centre=64, velocity=0.54, pan=0.2,
                width=0.3, room=0.2, hall=0.3),
            Layer("Harmony", "pad", ("strings",), enter=0.8, centre=62, voices=4, velocity=0.42, width=0.8, hall=0.3),
            Layer("Broken chords", "arp", ("pizzicato", "harp", "harpsichord"), ("x.x.x.x.x.x.x.x.",), enter=0.5,
                centre=62, voices=3, velocity=0.48, pan=0.35, hall=0.25),
            Layer("Horn", "pad", ("french_horn",), enter=0.97, centre=58, voices=2, velocity=0.42, pan=0.15,
                hall=0.35),
            Layer("Timpani", "timpani", ("timpani",), enter=0.97, centre=45, velocity=0.5, hall=0.3),
        ),
        ring_s=3.0, finish=Finish(warmth=0.05, glue=0.1, room_s=0.8, hall_s=2.6),
    ),
    Style(
        genre="cinematic", naming="scene", modes=(("minor", 0.9), ("dorian", 0.1)),
        minor=("i bVI bIII bVII", "i iv bVII bIII", "i bVI iv V", "i bIII bVI bII", "i bVII iv bVI"),
            major=("I V vi IV", "I iii IV iv", "I bVI bIII bVII"),
        cadence=("V", "V"), chord_bars=2, groove="cinematic", kit="taiko", hand_ms=3.5, cells="anthem", drums_room=0.2,
        bass=("contrabass", "sub_bass"), bass_rhythms=("R---------------", "R-------R-------", "R-----R---R-----"),
            bass_enter=0.2,
        layers=(
            Layer("String ostinato", "ostinato", ("staccato_strings",), ("X.x.x.X.x.x.X.x.", "XoxoXoxoXoxoXoxo",
                "X.xxX.xxX.xxX.xx"), enter=0.45, centre=60, velocity=0.62, pan=-0.15,
                  width=0.7, hall=0.25, level_db=3),
            Layer("Strings", "pad", ("strings",), centre=62, velocity=0.52, width=0.9, hall=0.35, level_db=-2),
            Layer("Brass swells", "swell", ("brass", "french_horn"), enter=0.72, centre=55, voices=3, velocity=0.72,
                width=0.7, hall=0.35),
            Layer("Theme", "lead", ("french_horn", "strings", "cello", "trumpet"), enter=0.58, centre=65,
                velocity=0.74, hall=0.4),
            Layer("High strings", "octaves", ("strings", "violin"), enter=0.9, centre=77, velocity=0.6, width=0.8,
                hall=0.4),
            Layer("Felt piano", "sparse", ("felt_piano", "celesta", "harp"), leave=0.6, centre=74, velocity=0.5,
                hall=0.5, delay=0.12),
        ),
        ring_s=3.6, risers=True, finish=Finish(warmth=0.15, glue=0.35, room_s=0.7, hall_s=3.6),
    ),
    Style(
        genre="ambient", naming="drift", modes=(("lydian", 0.35), ("major", 0.35), ("minor", 0.2), ("dorian", 0.1)),
        minor=("i9 bVImaj9", "iadd9 iv9", "i11 bVII", "bVImaj9 bIIImaj9"), major=("Imaj9 IVmaj9", "Iadd9 vi9",
            "Imaj9 II/10", "IVmaj9 Imaj9 vi11 iii7"),
        cadence=("bVImaj9", "IVmaj9"), final=("iadd9", "Iadd9"), chord_bars=2, groove="none", kit="minimal",
            hand_ms=8, cells="floating", scale="pentatonic",
        bass=("sine_bass",), bass_how="long", bass_rhythms=("R---------------",), bass_enter=0.25,
        layers=(
            Layer("Pad", "pad", ("warm_pad", "glass_pad"), centre=59, voices=4, velocity=0.55, width=1.0, hall=0.6,
                tone=0.4),
            Layer("Air", "pad", ("air_pad", "shimmer"), enter=0.26, centre=71, voices=3, velocity=0.4, width=1.0,
                hall=0.75),
            Layer("Drone", "drone", ("drone",), centre=43, voices=2, velocity=0.4, width=0.8, hall=0.4, tone=0.3),
            Layer("Distant bells", "sparse", ("bell", "kalimba", "celesta"), enter=0.28, centre=77, velocity=0.4,
                pan=0.25, hall=0.7, delay=0.45),
            Layer("Piano", "lead", ("felt_piano", "glass_pad", "vibraphone"), enter=0.6, centre=70, velocity=0.45,
                pan=-0.12, hall=0.6, delay=0.35),
        ),
        ring_s=6.0, finish=Finish(warmth=0.15, glue=0.15, room_s=1.0, hall_s=7.0, delay_beats=1.5, low_pass_hz=0),
    ),
)  # fmt: skip
