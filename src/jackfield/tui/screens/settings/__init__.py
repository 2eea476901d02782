"""Settings and security: the ways into the vault, backups, and what is set for this home."""
