"""A function at LogLevel WARN that prints a metric in the embedded metric format, as the provider does."""

import json
import time
from typing import Any


def handler(event: dict[str, Any], _context: Any) -> None:
    """Print one metric, in the form of Powertools."""
    metric = {
        "_aws": {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": event["namespace"],
                    "Dimensions": [["service"]],
                    "Metrics": [{"Name": "Probed", "Unit": "Count"}],
                }
            ],
        },
        "service": "acceptance",
        "Probed": [1.0],
    }
    print(json.dumps(metric), flush=True)
