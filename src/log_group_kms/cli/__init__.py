"""The command line `log-group-kms`: a program of its own, which the functions do not carry."""
