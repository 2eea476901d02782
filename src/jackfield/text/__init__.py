"""Cleaning and redaction of every text that comes from outside, once, where it enters."""

from jackfield.text.cleaning import Cleaned, TooDeep, clean, clean_json, cleaned
from jackfield.text.redaction import REDACTED, Redactor

__all__ = ["REDACTED", "Cleaned", "Redactor", "TooDeep", "clean", "clean_json", "cleaned"]
