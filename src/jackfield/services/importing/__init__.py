"""Connections from what other tools keep on this machine, or from another Jackfield: found, previewed, then made.

    a source's reader ── Finding ── candidate ── plan ── carry_out
    in its tool's words            checked fields  names, duplicates   one transaction each

Nothing here opens a network connection, runs a program or follows what a file names.
"""
