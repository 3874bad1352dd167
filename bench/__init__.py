"""The figures of README and docs, each printed by a command that anyone can run."""
