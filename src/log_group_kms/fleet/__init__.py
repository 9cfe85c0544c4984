"""The rules for every log group whose name begins with a prefix."""
