"""The vault: from a passphrase to keys, and from keys to sealed values. It knows a folder and bytes, nothing else."""
