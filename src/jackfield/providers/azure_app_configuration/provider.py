"""Azure App Configuration: only how Entra is asked for tokens and secrets, and what roles allow."""

from jackfield.providers.contract.client_secrets import held_secrets, issue_secret, retire_secret
from jackfield.providers.contract.microsoft import role_rights, token_grant

__all__ = ["held_secrets", "issue_secret", "retire_secret", "role_rights", "token_grant"]
