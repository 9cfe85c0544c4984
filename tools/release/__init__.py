"""`make release`: the artifacts of the commit at HEAD, in `dist/`; equal commits, equal bytes."""
