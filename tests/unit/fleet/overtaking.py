"""A Create of a fleet, and a Delete that comes in the middle of it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from support.chaos import Killed
from support.fake_aws import FakeAws, log_group
from unit.fleet.terminals import ASKED, BEFORE, ME, NEW, OURS, STRANGE, Terminal

from log_group_kms.association.requests import Ensure, Remove
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.ownership import Marks, Work
from log_group_kms.retry.rate_limits import RateLimits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from log_group_kms.model.association import Association
    from log_group_kms.model.ownership import Owner
    from log_group_kms.model.results import Outcome

#: Some four changes fit into an invocation of half a minute.
SLOW = RateLimits(log_groups=0.5, pages=0.5, workers=1)


class SmallPages(FakeAws):
    """Five log groups are three pages."""

    page_size: ClassVar[int] = 2


@dataclass
class Stage(Terminal):
    """A fake account with small pages, on one clock for all who act in it."""

    aws: FakeAws = field(default_factory=lambda: SmallPages.holding(OURS, NEW, BEFORE, STRANGE))

    def send_create(self, desired: Association = ASKED, me: Owner = ME) -> Ensure:
        """CloudFormation sends it now; delivered twice, it is the same event."""
        return Ensure(me, desired, sent_at=self.this_second)

    def send_delete(self, desired: Association = ASKED, me: Owner = ME, *, made_up: bool) -> Remove:
        """Under an id that CloudFormation made up, or under the fleet's own."""
        remove = Remove.of(me, desired, minted=not made_up)
        return replace(remove, cancels=made_up, sent_at=self.this_second)

    @property
    def this_second(self) -> float:
        """As CloudFormation dates its events."""
        return float(int(self.clock.now()))

    def do(self, event: Ensure | Remove, seconds: float = 800) -> Outcome:
        """As many invocations as it takes."""
        if isinstance(event, Ensure):
            return self.through(event, seconds)
        return self._through(lambda context, checkpoint: lifecycle.remove(context, event, checkpoint), seconds)

    @contextmanager
    def at_call(self, number: int, act: Callable[[], object]) -> Iterator[list[str]]:
        """Let others *act* when the call with this number has taken effect; the list names that call, once it came."""
        calls: list[str] = []
        struck: list[str] = []

        def count(operation: str) -> None:
            calls.append(operation)
            if len(calls) == number + 1:
                struck.append(operation)
                self.aws.after = lambda _: None
                act()

        self.aws.after = count
        yield struck
        self.aws.after = lambda _: None

    def dies_at(self, number: int, event: Ensure | Remove, seconds: float = 800) -> bool:
        """*event* dies after its call with this number, if it comes so far; whether it did."""

        def die() -> None:
            raise Killed

        with self.at_call(number, die):
            try:
                self.do(event, seconds)
            except Killed:
                return True
        return False

    def works(self, me: Owner = ME) -> dict[str, Work]:
        """The marks of work that *me* has left, by the names of the log groups."""
        marks = {group.name.text: self.marks_of(group.name.text, me) for group in self.aws.log_groups}
        return {name: found.work for name, found in marks.items() if found.work}

    def marks_of(self, name: str, me: Owner = ME) -> Marks:
        """The marks of *me* on one log group."""
        return self.aws.log_groups[log_group(name)].marks.get(me.digest, Marks())
