"""One run: make, drive, ask, remove, report."""

import tempfile
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from acceptance import deployment, foundation
from acceptance.account import Account
from acceptance.drives import DRIVES
from acceptance.names import Run
from acceptance.probe import Probe, Verdict
from acceptance.probes import PROBES
from acceptance.removal import Removal, Tell
from acceptance.report import Report
from acceptance.stacks import Stacks
from acceptance.stage import Stage

ALL: Final = (*DRIVES, *PROBES)


class Suite:
    """A run in an account.

    Args:
        account: the caller's.
        run: which one.
        file: where the report goes.
        tell: is told what happens, a line at a time.
        only: the names of what is asked; empty for everything.
    """

    def __init__(self, account: Account, run: Run, file: Path, tell: Tell, only: Collection[str] = ()) -> None:
        self._account = account
        self._run = run
        self._file = file
        self._tell = tell
        self._asked = [probe for probe in ALL if not only or probe.belief.name in only]
        self._removal = Removal(account, tell)
        self.report = Report.of(account, run)

    def go(self) -> bool:
        """Do it all; return whether the provider did what it should, and nothing is left.

        Whatever happens, what was made is removed, and the report is written. A second interruption ends that, too.
        """
        try:
            self._ask_all(self._stage())
        except BaseException as error:
            self.report.failure = str(error) or type(error).__name__
            self._tell(f"It ends here: {self.report.failure}")
            raise
        finally:
            self.write()
            self._remove()
        drives_held = all(self.report.finding(drive).verdict in (Verdict.HELD, Verdict.NOT_RUN) for drive in DRIVES)
        return drives_held and not self.report.still_there

    def write(self) -> None:
        """Write what was found so far."""
        self._file.write_text(self.report.text(DRIVES, PROBES))

    def _stage(self) -> Stage:
        account, run = self._account, self._run
        self._tell("Deploying keys, roles and functions")
        made = Stacks(account, run).create(run.foundation, foundation.template(account, run))
        stage = Stage(account, run, made)
        # The provider's own fleet finds it at its Create.
        stage.new_log_group("enrolled/before")
        self._tell("Building and deploying the provider")
        with tempfile.TemporaryDirectory(prefix="acceptance-") as workspace:
            deployment.deploy(account, run, made, deployment.build(Path(workspace)))
        return stage

    def _ask_all(self, stage: Stage) -> None:
        for probe in self._asked:
            self._ask(probe, stage)
            self.write()

    def _ask(self, probe: Probe, stage: Stage) -> None:
        name = probe.belief.name
        self._tell(f"… {name}")
        begun = time.monotonic()
        finding = probe.run(stage)
        self.report.findings[name] = finding
        self._tell(f"{finding.verdict:12} {name} ({time.monotonic() - begun:.0f} s)")

    def _remove(self) -> None:
        self._tell("Removing what was made")
        self._removal.remove(self._run)
        left = self._removal.left(self._run)
        self.report.note(left)
        for line in left.lines():
            self._tell(line)
        self.write()


def clean(removal: Removal, tell: Callable[[str], None]) -> bool:
    """Remove what all runs made, and say what is left; return whether only keys that are pending deletion are."""
    for run in removal.runs():
        tell(f"Removing run {run.id}")
        removal.remove(run)
    left = removal.left()
    for line in left.lines():
        tell(line)
    return not left.things
