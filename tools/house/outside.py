"""What lies outside the package: the private names of MiniStack, and what goes into the function's zip."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from tools.house.figure import Measured
from tools.house.source import PACKAGE, package_of

if TYPE_CHECKING:
    from tools.house.source import Source

_LONGEST: Final = 60
_COUNT: Final = "import importlib, sys; print(len(importlib.import_module(sys.argv[1]).SEAMS))"


def private_names_of_ministack(source: Source) -> Measured:
    """The length of local's own list, wherever in `local` it stands."""
    found = sorted((source.root / "local").rglob("seams*"), key=lambda path: len(path.parts))
    path = next(path for path in found if path.suffix == ".py" or (path / "__init__.py").is_file())
    module = ".".join(path.relative_to(source.root).with_suffix("").parts)
    return Measured(int(_output(source.root, sys.executable, "-c", _COUNT, module)), module)


def command_line_in_the_zip(source: Source) -> Measured:
    """Lines of the command line's modules that the build copies; it is run here, with a pip that does nothing."""
    with TemporaryDirectory() as folder:
        # The build takes these away from what pip has installed.
        Path(folder, "aws_lambda_powertools", "utilities").mkdir(parents=True)
        build = ("build-ProviderFunction", f"ARTIFACTS_DIR={folder}", "PYTHON=true", "RUNTIME=0.0")
        _output(source.root / "src", "make", "-s", *build)
        package = Path(folder, PACKAGE)
        lines = {
            name: len(path.read_text().splitlines())
            for path in sorted(package.rglob("*.py"))
            if package_of(name := ".".join(path.relative_to(package).with_suffix("").parts)) == "cli"
        }
    return Measured(sum(lines.values()), ", ".join(lines))


def _output(folder: Path, *command: str) -> str:
    finished = subprocess.run(  # noqa: S603 - our own code and Makefile
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=_LONGEST,
        check=False,
    )
    if finished.returncode:
        raise RuntimeError(f"{command[0]} failed: {finished.stderr.strip().rpartition(chr(10))[2]}")
    return finished.stdout
