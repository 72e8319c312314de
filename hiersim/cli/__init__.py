"""The command line: one file per group of commands, and everything heavy imported inside the commands."""
