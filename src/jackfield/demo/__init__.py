"""A throw-away home with vendors of its own: what `jackfield demo` shows.

The vendors are real servers on loopback, driven by the files of `vendors/`; what is in the home stands in `home.yaml`.
Every result is what a real check found at these servers, and the network they are reached through is closed.
"""
