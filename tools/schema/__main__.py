"""`python -m tools.schema`: write the files anew; with `--check`, tell which are not what the tables say."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tools.schema.guard import rules
from tools.schema.resource import schema_of_resource, schema_of_template
from tools.schema.rules import facts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PROJECT: Final = Path(__file__).parents[2]


def files() -> Mapping[Path, str]:
    """Return what each file should hold, by its path in the project."""
    return {
        Path("schema/custom-loggroupkmsassociation.json"): _json(schema_of_resource()),
        Path("schema/template.json"): _json(schema_of_template()),
        Path("cfn-lint/log_group_kms_rules/facts.json"): _json(facts()),
        Path("cfn-guard/custom-loggroupkmsassociation.guard"): rules(),
    }


def stale(project: Path) -> list[str]:
    """Return the files that are not what the tables say."""
    found = {path: (project / path).read_text() if (project / path).is_file() else None for path in files()}
    return [str(path) for path, text in files().items() if found[path] != text]


def main(arguments: Sequence[str] | None = None) -> None:
    """Write, or check."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.schema", description="What other tools know of the properties."
    )
    parser.add_argument("--check", action="store_true", help="write nothing, and fail if a file is stale")
    parser.add_argument("--root", type=Path, default=_PROJECT, help="another checkout to write into")
    options = parser.parse_args(arguments)
    if options.check:
        if old := stale(options.root):
            raise SystemExit(f"Stale, run `make schema`: {', '.join(old)}")
        return
    for path, text in files().items():
        (options.root / path).parent.mkdir(parents=True, exist_ok=True)
        (options.root / path).write_text(text)


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
