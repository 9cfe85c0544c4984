"""`python -m log_group_kms`."""

import sys

from log_group_kms.cli.commands import main

if __name__ == "__main__":
    sys.exit(main())
