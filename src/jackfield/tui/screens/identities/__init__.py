"""Source identities: listed, made, tested, and given other keys."""
