"""Tools for the work on this repository; nothing of them is deployed."""
