"""What the suite will do, said before it does it, and the question."""

import os
import sys
from collections.abc import Callable, Mapping
from typing import Final, TextIO

from acceptance.account import Account
from acceptance.foundation import KEYS, PENDING_DAYS
from acceptance.names import PREFIX, Run

YES: Final = "yes"


class NotConfirmedError(Exception):
    """Nobody said yes; the message says how to."""


def announcement(account: Account, run: Run) -> str:
    """Return what a run will make, what it may cost, and whom it may disturb."""
    where = "the embedded AWS" if account.is_embedded else "a REAL AWS account"
    return f"""\
This is {where}: account {account.id}, {account.region}, as {account.caller}.

Run {run.id} will make, each with a name that begins with {PREFIX} and with the tag {PREFIX}:run:
  - {len(KEYS)} KMS keys, scheduled for deletion at the end (KMS keeps them for {PENDING_DAYS} days, at no cost)
  - 6 stacks: the provider's, one of keys, roles and functions, and four with a resource each
  - in them 7 Lambda functions, 13 roles, 4 queues, 2 rules, 10 alarms and a bucket
  - some 50 log groups, nearly empty

It may cost a few cents: a key costs about 1 US dollar a month, so {len(KEYS)} keys for an hour are less than 1 cent;
Lambda, logs and queues stay within cents; metrics and ten alarms are charged by the hour.

It may disturb others in this account and Region:
  - for about two minutes in all it uses up the quotas of AssociateKmsKey and of the tag calls of CloudWatch Logs
  - for some minutes the results of Logs Insights queries get one of its keys, unless they have a key already

It touches no log group but its own. It takes 20 to 60 minutes, and removes everything at the end, also after Ctrl-C.
After a crash: make acceptance-clean
"""


def ask(question: str, variables: Mapping[str, str] = os.environ, terminal: TextIO | None = None) -> None:
    """Return if the caller says yes, by CONFIRM in the environment or at the terminal.

    Raises:
        NotConfirmedError: they do not, or there is no terminal to ask at.
    """
    answer = variables.get("CONFIRM", "")
    source = terminal or sys.stdin
    if not answer:
        if not source.isatty():
            raise NotConfirmedError(f"Nobody can be asked here. To go on without a question: CONFIRM={YES}")
        answer = _answer(question, source.readline)
    if answer.strip().lower() != YES:
        raise NotConfirmedError("Nothing was done.")


def _answer(question: str, read: Callable[[], str]) -> str:
    print(f"{question} [{YES}/no] ", end="", flush=True)
    return read()
