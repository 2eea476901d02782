"""One connection: what it is, what it may do, what uses it, what became of it. One module for each kind of page."""
