"""What this provider costs its users, beside what they would use instead: `python -m benchmarks`.

Every question is a module with `measure(bench: Bench) -> Section`. Nothing here is shipped.
"""

import sys
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[1]
#: The provider's own code, and the doubles that the tests have.
sys.path[:0] = [str(PROJECT), str(PROJECT / "src"), str(PROJECT / "tests")]
