"""From a score to stems: instruments, drums, effects, mixing desk."""
