"""Keeps the libraries that speak to vendors from logging: they write requests, answers and statements as they are."""

import logging
from typing import Final

# Each by the top of its loggers; what is below one hands its records up to it.
LIBRARIES: Final = (
    *("httpx", "httpcore", "urllib3", "requests", "requests_oauthlib", "oauthlib", "hpack", "h2"),
    *("botocore", "boto3", "s3transfer", "google", "google_auth_httplib2"),
    *("psycopg", "psycopg.pool", "asyncmy", "pytds", "oracledb", "pymongo", "redis", "push_response"),
    *("ldap3", "spnego", "smbprotocol", "smbclient", "gssapi", "asyncssh", "paramiko"),
)
_EVERYTHING: Final = 1 << 31  # above every level that a library may name


def refuse_all_logs() -> None:
    """Let nothing be logged in this process from now on.

    Records of the known libraries reach no handler but their own, whatever handlers there are; and the switch for all
    of logging is off, for libraries that nobody thought of and for handlers that one brings along.
    """
    for name in LIBRARIES:
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.addHandler(logging.NullHandler())
    logging.disable(_EVERYTHING)
    logging.lastResort = None
