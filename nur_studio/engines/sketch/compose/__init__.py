"""From words to a score. Pure: the same plan and seed give the same score."""
