"""GitHub Radar is a GitHub App like any other: it signs and mints as the provider GitHub does."""

from jackfield.providers.github.provider import app_auth, installation_auth, mint_installation_token

__all__ = ["app_auth", "installation_auth", "mint_installation_token"]
