"""Cleaning and redaction of every text that comes from outside, once, where it enters."""

from jackfield.text.cleaning import Cleaned, Tally, TooDeep, clean, clean_json, cleaned, tallied
from jackfield.text.redaction import REDACTED, Redactor

__all__ = ["REDACTED", "Cleaned", "Redactor", "Tally", "TooDeep", "clean", "clean_json", "cleaned", "tallied"]
