"""What is kept: one encrypted SQLite file, its tables, and queries that read in pages by key.

`store.Store` opens it; the modules named after things (`organizations`, `connections`, …) hold functions that take a
transaction.
"""
