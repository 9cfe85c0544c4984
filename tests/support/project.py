"""Where the repository's own files are."""

from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[2]
SOURCE: Final = PROJECT / "src" / "log_group_kms"
EVENTS: Final = PROJECT / "events"
