"""One AWS service as the vendor's library describes it: where it is, how requests are written, signed and read."""

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode

import httpx

from jackfield.model.check import FailureKind
from jackfield.net.failure import NetFailure
from jackfield.net.http import Reply, Shape

_CLOCK_CODES: Final = frozenset({"RequestExpired", "RequestTimeTooSkewed"})
_CLOCK_WORDS: Final = ("Signature expired", "Signature not yet current")


@dataclass(frozen=True, slots=True)
class Keys:
    """What signs a request. Never part of a fact."""

    key_id: str
    secret: str
    token: str = ""

    def __repr__(self) -> str:
        return f"Keys({self.key_id})"


@dataclass(frozen=True, slots=True)
class Said:
    """An answer of AWS. `error` is the vendor's code, empty for success; `result` may hold secrets."""

    error: str
    message: str
    result: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"Said({self.error or 'ok'})"

    @property
    def for_rules(self) -> dict[str, object]:
        """The error alone; `clock` says that the time of the signature was what AWS minded."""
        words = self.message.startswith(_CLOCK_WORDS)
        return {"error": self.error, "clock": words or self.error in _CLOCK_CODES}


class SigV4(httpx.Auth):
    """Signs each request for one service and region."""

    requires_request_body = True

    def __init__(self, keys: Keys, service: str, region: str) -> None:
        self._keys = keys
        self._service = service
        self._region = region

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        covered = {
            name: value for name, value in request.headers.items() if name == "content-type" or name.startswith("x-amz")
        }
        signed = AWSRequest(request.method, str(request.url), data=request.content, headers=covered)
        keys = Credentials(self._keys.key_id, self._keys.secret, self._keys.token or None)
        SigV4Auth(keys, self._service, self._region).add_auth(signed)
        request.headers.update(dict(signed.headers.items()))
        yield request


class Service:
    """One service as AWS describes it: where it is, how a request is written, and how an answer is read."""

    def __init__(self, name: str) -> None:
        from botocore.model import ServiceModel
        from botocore.parsers import ResponseParserFactory
        from botocore.serialize import create_serializer

        self._model = ServiceModel(_loader().load_service_model(name, "service-2"), name)
        spoken = self._model.metadata.get("protocols") or [self._model.metadata["protocol"]]
        protocol = next(one for one in ("json", "query", "rest-xml") if one in spoken)
        self._serializer = create_serializer(protocol)  # which refuses what the description forbids
        self._parser = ResponseParserFactory().create_parser(protocol)
        self._name = name

    @property
    def paging(self) -> Mapping[str, Any]:
        """Operation → the names under which its listing and its next page stand."""
        listed: Mapping[str, Any] = _loader().load_service_model(self._name, "paginators-1")["pagination"]
        return listed

    def place(self, region: str, *, fips: bool) -> Mapping[str, str]:
        """Host, and the name and region that requests are signed for. Raises NetFailure where there is none."""
        prefix = self._model.metadata["endpointPrefix"]
        found = endpoints().construct_endpoint(prefix, region, use_fips_endpoint=fips)
        if not found or not found.get("hostname"):
            kind = "FIPS endpoint" if fips else "endpoint"
            raise NetFailure(
                FailureKind.MISCONFIGURED, f"AWS has no {kind} of {self._name} in {region}.", "Choose another region."
            )
        scope = found.get("credentialScope", {})
        return {
            "hostname": found["hostname"],
            "name": scope.get("service") or self._model.signing_name,
            "region": scope.get("region") or region,
        }

    def write(self, operation: str, parameters: Mapping[str, object]) -> dict[str, Any]:
        """Method, path, query, headers and body. Raises NetFailure for values that AWS's own rules forbid."""
        from botocore.exceptions import ParamValidationError

        model = self._model.operation_model(operation)
        try:
            request: dict[str, Any] = self._serializer.serialize_to_request(parameters, model)
        except ParamValidationError:
            raise NetFailure(
                FailureKind.MISCONFIGURED,
                f"AWS takes no such value in {operation}.",
                "Check the fields and the values of the chosen uses.",
            ) from None
        if isinstance(request["body"], dict):
            request["body"] = urlencode(request["body"])
        return request

    def read(self, operation: str, reply: Reply) -> Said:
        """The answer. Raises NetFailure when it is none of AWS."""
        from botocore.parsers import ResponseParserError

        if reply.status == 429 or reply.status >= 500:
            raise busy(reply)
        if reply.shape not in {Shape.TEXT, Shape.JSON, Shape.EMPTY} or 300 <= reply.status < 400:
            raise _stranger(reply)
        body = json.dumps(reply.body) if reply.shape is Shape.JSON else reply.text
        answer = {"status_code": reply.status, "headers": dict(reply.headers), "body": body.encode()}
        shape = self._model.operation_model(operation).output_shape
        try:
            parsed = self._parser.parse(answer, shape)
        except ResponseParserError:
            raise _stranger(reply) from None
        if reply.status >= 400:
            error = parsed.get("Error", {})
            return Said(str(error.get("Code") or reply.status), str(error.get("Message", "")), {})
        return Said("", "", parsed)


@lru_cache(maxsize=16)
def describe(name: str) -> Service:
    """The service of this name in the vendor's library, such as `elbv2`."""
    return Service(name)


@lru_cache(maxsize=1)
def _loader() -> Any:
    """Reads the descriptions that come with the library, and none from the user's home."""
    from botocore.loaders import Loader

    return Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)


@lru_cache(maxsize=1)
def endpoints() -> Any:
    """The library's EndpointResolver: partitions, regions and hosts."""
    from botocore.regions import EndpointResolver

    return EndpointResolver(_loader().load_data("endpoints"))


def busy(reply: Reply) -> NetFailure:
    """What an answer means that AWS was too busy or too broken to give."""
    if reply.status >= 500:
        message = f"AWS answered {reply.status}: a fault on its side."
        return NetFailure(FailureKind.VENDOR_FAULT, message, "Look at its health page and test again later.")
    return NetFailure(FailureKind.THROTTLED, "AWS asks to wait before asking again.", "Test again in a few minutes.")


def _stranger(reply: Reply) -> NetFailure:
    return NetFailure(
        FailureKind.MISCONFIGURED,
        f"Something else than AWS answered {reply.status}.",
        "A proxy or a login page may stand between: try from another network.",
    )
