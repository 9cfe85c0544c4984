"""`make sbom`: what the functions consist of, as a CycloneDX bill of materials.

Read from `src/requirements.txt`, which is what the package is built from: names, versions, and the hashes of the
archives that the build accepts. Nothing in it depends on the time or the machine: equal sources, equal bytes.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from tools.version import version_of

PROJECT: Final = Path(__file__).parents[1]
LOCK: Final = PROJECT / "src" / "requirements.txt"
#: The file's name by CycloneDX' convention.
WRITTEN: Final = PROJECT / "build" / "log-group-kms-association.cdx.json"

_PINNED: Final = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_EXTRA: Final = re.compile(r";.*extra\s*==")
#: Licences that these packages name by their SPDX id.
_SPDX: Final = frozenset({"Apache-2.0", "MIT", "MIT-0", "PSF-2.0"})
_NAME: Final = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Package:
    """A pinned package.

    Attributes:
        name: Its name, normalised.
        version: The one version that is built in.
        hashes: SHA-256 of each archive of that version that the build accepts.
        license: What the package says of itself: an SPDX expression, or a name.
        needs: Names of the pinned packages that it asks for.
    """

    name: str
    version: str
    hashes: tuple[str, ...]
    license: str
    needs: tuple[str, ...]

    @property
    def purl(self) -> str:
        """The package URL, which also names it within the document."""
        return f"pkg:pypi/{self.name}@{self.version}"

    def component(self) -> dict[str, Any]:
        """Return the entry of the document."""
        return {
            "type": "library",
            "bom-ref": self.purl,
            "name": self.name,
            "version": self.version,
            "scope": "required",
            "licenses": [{"license": {"id" if self.license in _SPDX else "name": self.license}}],
            "purl": self.purl,
            "externalReferences": [
                {
                    "type": "distribution",
                    "url": self.purl,
                    "comment": "The archives that the build accepts, by their hashes",
                    "hashes": [{"alg": "SHA-256", "content": each} for each in self.hashes],
                }
            ],
        }


def packages(lock: str) -> list[Package]:
    """Return the packages of a *lock* file, by name. Their metadata are those of the installed ones."""
    beginnings = [*_PINNED.finditer(lock)]
    ends = [each.start() for each in beginnings[1:]] + [len(lock)]
    names = {each[1] for each in beginnings}
    return sorted(
        (
            Package(
                each[1],
                each[2].rstrip("\\"),
                tuple(sorted(_HASH.findall(lock[each.start() : end]))),
                *_told(each[1], names),
            )
            for each, end in zip(beginnings, ends, strict=True)
        ),
        key=lambda package: package.name,
    )


def _told(name: str, pinned: set[str]) -> tuple[str, tuple[str, ...]]:
    """Return the licence of an installed package, and which of the *pinned* ones it needs."""
    installed = distribution(name)
    stated = installed.metadata.get_all("License-Expression") or installed.metadata.get_all("License") or ["unknown"]
    asked = (_NAME.match(each) for each in installed.requires or [] if not _EXTRA.search(each))
    needs = {re.sub(r"[-_.]+", "-", found[0]).lower() for found in asked if found}
    return str(stated[0]).splitlines()[0], tuple(sorted(needs & pinned))


def document(lock: str, version: str) -> dict[str, Any]:
    """Return the bill of materials of this *version* of the functions."""
    found = packages(lock)
    needed = {each for package in found for each in package.needs}
    ours = f"log-group-kms-association@{version}"
    graph = [
        {"ref": package.purl, "dependsOn": [one.purl for one in found if one.name in package.needs]}
        for package in found
    ]
    body = {
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": ours,
                "name": "log-group-kms-association",
                "version": version,
                "description": "The functions of Custom::LogGroupKmsAssociation. boto3 comes with the Lambda runtime",
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": [package.component() for package in found],
        "dependencies": [
            {"ref": ours, "dependsOn": [one.purl for one in found if one.name not in needed]},
            *graph,
        ],
    }
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        # Of the contents: another document, another number.
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, json.dumps(body, sort_keys=True))}",
        "version": 1,
        **body,
    }


def main() -> None:
    """Write the document."""
    WRITTEN.parent.mkdir(exist_ok=True)
    WRITTEN.write_text(json.dumps(document(LOCK.read_text(), version_of(PROJECT)), indent=2) + "\n")
    print(f"{WRITTEN.relative_to(PROJECT)}: {len(packages(LOCK.read_text()))} packages")


if __name__ == "__main__":
    main()
