"""Typed requests, made of events and their properties; the properties, each written down once."""
