"""Azure DevOps: only how Entra is asked for tokens."""

from jackfield.providers.contract.microsoft import token_grant

__all__ = ["token_grant"]
