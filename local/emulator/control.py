"""The path by which a test directs the embedded AWS from another process.

`POST /_embedded_aws/VERB` on the same loopback port, with a JSON object where there is something to say.
"""

import dataclasses
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from local.emulator import log_groups_behind, schedules, seams, wire
from local.emulator.director import Director
from local.emulator.log_listing import LogListing
from local.emulator.log_summaries import LogSummaries
from local.emulator.script import (
    CallersKeyUse,
    Fault,
    Firing,
    LogGroups,
    Quota,
    QuotaFactor,
    ServiceControlPolicy,
    StaleReads,
)
from local.emulator.wire import Response

PATH: Final = "/_embedded_aws/"

Dispatch: TypeAlias = Callable[..., Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Control:
    """The parts of the embedded AWS that a test directs."""

    director: Director
    listing: LogListing
    summaries: LogSummaries

    def answer(self, verb: str, body: bytes) -> Response:
        """Carry out what a test asks for, and return the HTTP response."""
        given = wire.object_in(body)
        director = self.director
        commands: dict[str, Callable[[], None]] = {
            "fault": lambda: director.arm(Fault(**given)),
            "stale-reads": lambda: director.arm_stale_reads(StaleReads(**given)),
            "quota": lambda: director.limit(Quota(**given)),
            "quota-factor": lambda: director.scale_quotas(QuotaFactor(**given)),
            "deny": lambda: director.deny(ServiceControlPolicy(**given)),
            "callers-key-use": lambda: director.set_callers_key_use(CallersKeyUse(**given)),
            "log-groups": lambda: log_groups_behind.make(LogGroups(**given)),
            "expire-tokens": self._expire_tokens,
            "forget-calls": director.forget_calls,
            "forget-script": director.forget_script,
        }
        questions: dict[str, Callable[[], dict[str, Any]]] = {
            "ping": lambda: {"pid": os.getpid()},
            "fire": lambda: schedules.fire(Firing(**given)),
            "pending": lambda: _values(director.pending()),
            "calls": lambda: _values(director.calls),
            "answers": lambda: _values(director.answers),
            "events": lambda: {"values": director.events},
        }
        if verb in questions:
            return wire.succeed(questions[verb]())
        if verb not in commands:
            return 404, {}, b""
        commands[verb]()
        return wire.succeed({})

    def _expire_tokens(self) -> None:
        self.listing.expire_tokens()
        self.summaries.expire_tokens()


def _values(values: list[Any]) -> dict[str, Any]:
    return {"values": [dataclasses.asdict(value) for value in values]}


def install(control: Control) -> None:
    """Put the director, and this path, before MiniStack's own dispatch."""
    dispatch: Dispatch = seams.DISPATCH.get()
    empty: Callable[[], None] = seams.RESET.get()

    async def directed(  # noqa: PLR0913, PLR0917 - MiniStack's own signature
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any], request_id: str
    ) -> Response:
        if path.startswith(PATH):
            return control.answer(path.removeprefix(PATH), body)
        request = wire.parse(method, path, headers, body)
        if request is None:
            return await dispatch(method, path, headers, body, query, request_id)
        return await control.director.direct(request, lambda: dispatch(method, path, headers, body, query, request_id))

    def empty_all() -> None:
        empty()
        control.director.clear()

    seams.DISPATCH.replace(directed)
    seams.RESET.replace(empty_all)
