"""Azure DevOps: only how Entra is asked for tokens and secrets."""

from jackfield.providers.contract.client_secrets import held_secrets, issue_secret, retire_secret
from jackfield.providers.contract.microsoft import token_grant

__all__ = ["held_secrets", "issue_secret", "retire_secret", "token_grant"]
