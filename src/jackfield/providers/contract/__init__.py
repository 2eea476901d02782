"""The contract: what a provider says (`spec`), how rules are evaluated (`expression`), where providers are (`registry`)."""
