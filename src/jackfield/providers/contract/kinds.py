"""The words that a provider file chooses from."""

from enum import StrEnum


class FieldKind(StrEnum):
    TEXT = "text"
    SECRET = "secret"  # noqa: S105 - a kind of field
    INTEGER = "integer"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    HOST = "host"
    URL = "url"
    PEM = "pem"
    JSON = "json"
    MULTILINE = "multiline"


class Normalise(StrEnum):
    """Changes made to a pasted value, and shown. Surrounding white space and quotes always go."""

    LOWER = "lower"
    NO_TRAILING_SLASH = "no-trailing-slash"
    NO_SCHEME = "no-scheme"
    NO_PATH = "no-path"
    HTTPS = "https"  # put https:// in front of a bare host
    NO_SPACES = "no-spaces"
    VERBATIM = "verbatim"  # keep everything, white space and quotes too


class Effect(StrEnum):
    """What a request does at the vendor. Nothing that changes anything can be declared."""

    INTROSPECT = "introspect"  # asks about the credential itself
    READ = "read"  # reads something harmless
    ATTEMPT = "attempt"  # would act, but is refused by construction; only with the user's consent


class SnippetFormat(StrEnum):
    IAM_POLICY = "iam-policy"  # statements of several uses become one policy
    JSON = "json"
    SQL = "sql"
    HCL = "hcl"
    SHELL = "shell"
    LDIF = "ldif"  # lines that several uses share, such as the head of a modification, are said once
    LINES = "lines"


class Feature(StrEnum):
    SECRET_SYNC = "secret-sync"  # noqa: S105 - a feature
    SECRET_ROTATION = "secret-rotation"  # noqa: S105 - a feature
    DYNAMIC_SECRET = "dynamic-secret"  # noqa: S105 - a feature
    SECRET_SCANNING = "secret-scanning"  # noqa: S105 - a feature
    PKI = "pki"
    OTHER = "other"


class ProofKind(StrEnum):
    """What a provider or a method is tested against here, best first."""

    REAL_SERVER = "real-server"
    EMULATOR = "emulator"
    DESCRIPTION = "description"
    MINIATURE = "miniature"
