"""Unit tests touch nothing outside the process: no network, no files but the repository's own, no real time."""
