"""Steps from one schema to the next, run by `schema` in order of their revisions."""
