"""The embedded AWS: MiniStack in a process of its own, with what it lacks of AWS put around it."""
