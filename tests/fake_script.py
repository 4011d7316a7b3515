"""A script over the same library as the window, as a program of its own: does what its input says, line by line.

`make`, `rename ID TITLE`, `star ID`, `separate ID`, `delete ID`, `list`: each is answered by a line.
"""

from __future__ import annotations

import sys
from pathlib import Path

import fake_server

from nur_studio import NurClient
from nur_studio.client import MusicTrack


def run(home: Path) -> None:
    with fake_server.make_studio(home) as studio, NurClient(studio=studio) as client:
        for line in sys.stdin:
            command, *arguments = line.split(maxsplit=2)
            answer = "done"
            if command == "make":
                track = client.music.generate("made by a script", 5, tempo=100, engine="whole")
                assert isinstance(track, MusicTrack)
                answer = track.id
            elif command == "rename":
                studio.library.rename(arguments[0], arguments[1].strip())
            elif command == "star":
                studio.library.star(arguments[0].strip(), True)
            elif command == "separate":
                client.music.separate(arguments[0].strip())
            elif command == "delete":
                client.music.delete(arguments[0].strip())
            elif command == "list":
                answer = " ".join(track.id for track in client.music.list())
            sys.stdout.write(answer + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    run(Path(sys.argv[1]))
