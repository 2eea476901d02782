"""Jackfield: an organization's app connections, sealed, tested and explained, in a terminal."""

__version__ = "0.1.0"
