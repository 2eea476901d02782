"""What users read: Markdown pages beside this file, shipped with the program."""
