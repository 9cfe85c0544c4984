"""`python -m log_group_kms`: the same as `log-group-kms`."""

import sys

from log_group_kms.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
