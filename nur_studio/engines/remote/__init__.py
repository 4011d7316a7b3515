"""Another studio on the network as an engine: it makes the music, this one keeps it."""
