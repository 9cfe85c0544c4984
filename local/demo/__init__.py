"""This provider on the embedded AWS: deployed, driven through its life, and prepared for the events of `events/`."""
