"""One event in Lambda's own container image: `make invoke EVENT=events/create.json`."""
