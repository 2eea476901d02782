"""Azure App Configuration: only how Entra is asked for tokens, and what roles allow."""

from jackfield.providers.contract.microsoft import role_rights, token_grant

__all__ = ["role_rights", "token_grant"]
