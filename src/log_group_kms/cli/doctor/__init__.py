"""`doctor`: its checks, and what they read."""
