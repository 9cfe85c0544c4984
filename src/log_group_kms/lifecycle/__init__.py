"""One event over several invocations, and which kind of target it is for."""
