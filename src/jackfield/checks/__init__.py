"""Running a check and judging what it found. Nothing here is stored, and nothing here knows the vault."""
