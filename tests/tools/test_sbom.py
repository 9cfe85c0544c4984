"""`make sbom` writes a valid bill of materials of what is deployed, the same each time."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from tools import sbom

#: CycloneDX' own schemas, as a package of the scanners brings them.
(SCHEMAS,) = (sbom.PROJECT / ".venv-scan").glob("lib/python*/site-packages/cyclonedx/schema/_res")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """Return the document of what is deployed."""
    return sbom.document(sbom.LOCK.read_text(), "1.2.3")


def mistakes(document: dict[str, Any]) -> list[str]:
    """Return what CycloneDX' schema of the document's version finds wrong."""
    schemas = {path.name: json.loads(path.read_text()) for path in SCHEMAS.glob("*.SNAPSHOT.schema.json")}
    registry: Registry[Any] = Registry().with_resources(
        # They refer to each other by the names of their files.
        [(f"http://cyclonedx.org/schema/{name}", Resource.from_contents(one)) for name, one in schemas.items()]
    )
    schema = schemas[f"bom-{document['specVersion']}.SNAPSHOT.schema.json"]
    return [error.message for error in Draft7Validator(schema, registry=registry).iter_errors(document)]


def test_it_is_valid(document: dict[str, Any]) -> None:
    """It keeps to CycloneDX' schema of its version."""
    assert mistakes(document) == []


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"type": "lambda"}, id="no type of a component"),
        pytest.param({"licenses": [{"license": {"id": "Apache2"}}]}, id="no SPDX id"),
        pytest.param({"version": 3}, id="no text"),
    ],
)
def test_the_schema_refuses_what_is_invalid(document: dict[str, Any], change: dict[str, Any]) -> None:
    """The validation sees a mistake in a component."""
    component = {**document["components"][0], **change}

    assert len(mistakes({**document, "components": [component]})) == 1


def test_it_lists_what_is_built_in(document: dict[str, Any]) -> None:
    """Each pinned package with its version and every hash that the build accepts, and no other."""
    lock = sbom.LOCK.read_text()
    pinned = set(re.findall(r"^([a-z-]+)==([0-9.]+)", lock, re.MULTILINE))
    hashes = {each["content"] for one in document["components"] for each in one["externalReferences"][0]["hashes"]}

    assert {(one["name"], one["version"]) for one in document["components"]} == pinned
    assert hashes == set(re.findall(r"sha256:(\w+)", lock))


def test_it_says_what_needs_what(document: dict[str, Any]) -> None:
    """The functions need two packages; the others come with Powertools."""
    graph = {_name(each["ref"]): {_name(one) for one in each["dependsOn"]} for each in document["dependencies"]}

    assert graph == {
        "log-group-kms-association": {"aws-lambda-powertools", "crhelper"},
        "aws-lambda-powertools": {"jmespath", "typing-extensions"},
        "crhelper": set(),
        "jmespath": set(),
        "typing-extensions": set(),
    }


def _name(reference: str) -> str:
    return reference.rpartition("/")[2].partition("@")[0]


LOCK: Final = sbom.LOCK.read_text()


@pytest.mark.parametrize(
    ("lock", "version", "same"),
    [
        pytest.param(LOCK, "1.2.3", True, id="the same"),
        pytest.param(LOCK, "1.2.4", False, id="another version"),
        pytest.param(LOCK.replace("sha256:9", "sha256:8"), "1.2.3", False, id="another archive"),
    ],
)
def test_it_is_the_same_for_the_same_contents(document: dict[str, Any], lock: str, version: str, same: bool) -> None:  # noqa: FBT001 - a column
    """Neither time nor chance is in it; its serial number changes with its contents."""
    other = sbom.document(lock, version)

    assert (json.dumps(other) == json.dumps(document)) is same
    assert (other["serialNumber"] == document["serialNumber"]) is same
    assert "timestamp" not in document["metadata"]
