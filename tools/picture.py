"""`make picture`: the page of `log-group-kms report --html` as a browser shows it, for the documentation.

The account is an embedded one, the command the real one, the browser Chromium or one of its kin.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local.client import keys
from local.client.embedded_aws import EmbeddedAws
from local.client.stacks import make_log_groups

PROJECT: Final = Path(__file__).parents[1]
PICTURE: Final = PROJECT / "docs" / "how-to" / "report.png"
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_OWNER: Final = {
    "log-group-kms-association:owner": "one:audit/5c9f1e20-8d3a-11ef-9b6e-0a58a9feac02/Trail",
    "log-group-kms-association:previous-key": "none",
}
#: In pixels, and in seconds.
_WIDTH, _HEIGHT, _PATIENCE = 1000, 1640, 60


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser without a window.

    Attributes:
        program: its path.
        profile: a folder for all that it writes.
    """

    program: str
    profile: Path

    @classmethod
    def find(cls, profile: Path) -> Browser | None:
        """Return the first that is on the path; None where there is none."""
        found = next(filter(None, map(shutil.which, _BROWSERS)), None)
        return cls(found, profile) if found else None

    def open(self, page: Path, *options: str) -> subprocess.CompletedProcess[str]:
        """Let it open a page, and do what *options* say.

        Raises:
            subprocess.CalledProcessError: it failed.
        """
        # It asks for a sandbox that root is not given; the page is ours, and no other is opened.
        command = [self.program, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        command += ["--force-device-scale-factor=1", f"--user-data-dir={self.profile}", "--enable-logging=stderr"]
        return subprocess.run(  # noqa: S603 # nosec B603 - our own words
            [*command, *options, page.as_uri()],
            env={**os.environ, "HOME": str(self.profile)},
            check=True,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
        )

    def picture(self, page: Path, into: Path) -> None:
        """Take a picture of a page."""
        self.open(page, f"--window-size={_WIDTH},{_HEIGHT}", f"--screenshot={into}")


def settle(aws: EmbeddedAws) -> None:
    """Make an account with log groups of every cause."""
    key, other = keys.create(aws), keys.create(aws)
    aws.client("kms").create_alias(AliasName="alias/logs", TargetKeyId=key)
    make_log_groups(aws, [f"/aws/lambda/orders-{number}" for number in range(180)], key)
    make_log_groups(aws, [f"/ecs/shop-{number}" for number in range(40)], key)
    make_log_groups(aws, ["/team/payments", "/team/ledger"], other)
    make_log_groups(aws, ["/audit/trail"], other, **_OWNER)
    make_log_groups(aws, ["/aws/codebuild/site", "/aws/rds/instance/orders/error"])
    make_log_groups(aws, ["/debug/a", "aws/spans"])


def report(aws: EmbeddedAws, page: Path) -> subprocess.CompletedProcess[str]:
    """Run the command, which writes the *page*."""
    options = ["--html", str(page), "--kms-key-id", "alias/logs", "--exclude", "/debug/*"]
    return subprocess.run(  # noqa: S603 # nosec B603 - our own words
        [sys.executable, "-m", "log_group_kms", "report", *options],
        env={**os.environ, **aws.environment, "PYTHONPATH": str(PROJECT / "src")},
        check=False,
        capture_output=True,
        text=True,
    )


def main() -> int:
    """Take it."""
    with tempfile.TemporaryDirectory(prefix="picture-") as folder, EmbeddedAws.start() as aws:
        browser = Browser.find(Path(folder) / "profile")
        if browser is None:
            print(f"There is none of these on the path: {', '.join(_BROWSERS)}", file=sys.stderr)
            return 1
        page = Path(folder) / "report.html"
        settle(aws)
        print(report(aws, page).stderr, file=sys.stderr, end="")
        browser.picture(page, PICTURE)
    print(f"{PICTURE.relative_to(PROJECT)}: {PICTURE.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
