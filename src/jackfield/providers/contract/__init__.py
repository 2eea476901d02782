"""The contract: what a provider says (`spec`), its rules (`expression`), and where providers are (`registry`)."""
