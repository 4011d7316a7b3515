"""What the studio talks about: requests, tracks, stems, tempo, words, errors. No Qt, torch, devices or files."""
