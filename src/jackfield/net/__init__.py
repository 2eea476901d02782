"""The way out: address policy, deadlines, TLS and the HTTP client. Every connection of a check passes here."""
