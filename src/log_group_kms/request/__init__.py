"""From an event's properties to a typed request; the properties, written down once."""
