"""What every sub-command raises for bad input, and the commonest cause."""

import argparse
import re

__all__ = ["UsageError", "whole_number"]


class UsageError(Exception):
    """One line: what is wrong and what to do. Printed without a traceback; exit code 2."""


def whole_number(text):
    """`type=` of an option; what range is allowed is the business of whoever takes the number."""
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise argparse.ArgumentTypeError(f"must be a whole number; got {text!r}")
    return int(text)
