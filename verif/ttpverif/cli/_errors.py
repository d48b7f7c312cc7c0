"""What every sub-command raises for bad input."""

__all__ = ["UsageError"]


class UsageError(Exception):
    """One line: what is wrong and what to do. Printed without a traceback; exit code 2."""
