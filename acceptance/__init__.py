"""An acceptance suite for a real AWS account: `python -m acceptance`, opt-in, and cleaned up behind itself.

It deploys the provider under a name of its own, drives it through CloudFormation, and puts each belief about AWS that
no page settles to AWS itself. What it finds is in `acceptance.md`. Against the embedded AWS it runs too, so that it
cannot rot; there it proves nothing about AWS.

Who makes and removes: `names`, `foundation`, `deployment`, `removal`. What is asked: `drives` and `probes`. How a
question and its answer look: `probe`. What is written: `report`.
"""

import sys
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[1]
# The provider's own reading of trails.
sys.path.insert(0, str(PROJECT / "src"))
