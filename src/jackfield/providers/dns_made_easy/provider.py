"""DNS Made Easy: requests signed by an HMAC over their date."""

import hmac
from collections.abc import Generator
from email.utils import formatdate

import httpx

from jackfield.providers.contract.call import Call


def sign(call: Call) -> httpx.Auth:
    """Signs the date of each request; nothing else of it is covered."""
    return _DateSignature(call.text("apiKey"), call.text("secretKey"))


class _DateSignature(httpx.Auth):
    def __init__(self, key: str, secret: str) -> None:
        self._key = key
        self._secret = secret.encode()

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        date = formatdate(usegmt=True)  # English names of days and months, whatever the locale
        request.headers["x-dnsme-apiKey"] = self._key
        request.headers["x-dnsme-requestDate"] = date
        request.headers["x-dnsme-hmac"] = hmac.digest(self._secret, date.encode(), "sha1").hex()
        yield request
