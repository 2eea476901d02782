"""Azure client secrets: only how Entra is asked for tokens."""

from jackfield.providers.contract.microsoft import read_certificate, token_grant

__all__ = ["read_certificate", "token_grant"]
