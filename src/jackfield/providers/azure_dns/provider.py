"""Azure DNS: only what roles allow."""

from jackfield.providers.contract.microsoft import role_rights

__all__ = ["role_rights"]
