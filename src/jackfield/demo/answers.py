"""What a miniature vendor answers to whom, as its file in `vendors/` says it.

    hosts: [api.example.com]
    delay: [80, 300]                     # milliseconds, from the quickest path to the slowest
    stranger: {status: 401, json: {…}}   # what anyone else is told
    public: {GET /health: {json: {…}}}   # answered to everyone
    answers: {GET /me: {json: {…}}}      # answered to every credential; `*` in a path is any one segment
    credentials:
      - secret: token                    # a header's last word, a value of a form, or `user:password`
        answers: {GET /teams: {status: 403}}
        headers: {x-scopes: read}        # in all that it is answered
        spells: [{after: 60}]            # seconds since the start; without an `answer` it is a stranger then

A third word of a route must stand in the request's body: `POST /graphql viewer`.
"""

import base64
import binascii
import contextlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import parse_qsl

_ENDLESS: Final = float("inf")


@dataclass(frozen=True, slots=True)
class Question:
    """One request; the names of `headers` are lower-case, the `path` is decoded and without its query."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def words(self) -> frozenset[str]:
        """Everything in it that may be a credential."""
        said = {value.rpartition(" ")[2] for value in self.headers.values()}
        scheme, _, login = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            with contextlib.suppress(binascii.Error, UnicodeDecodeError):  # then it is nobody's
                said.add(base64.b64decode(login, validate=True).decode())
        said |= {value for _, value in parse_qsl(self.body.decode("utf-8", "replace"))}
        return frozenset(said)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> "Answer":
        """From `status`, `json` or `text`, `type` and `headers`, each of which may be left out."""
        status, headers = said.get("status", 200), dict(said.get("headers", {}))
        if "json" in said:
            return cls(status, json.dumps(said["json"]).encode(), said.get("type", "application/json"), headers)
        return cls(status, said.get("text", "").encode(), said.get("type", cls().content_type), headers)


Routes = tuple[tuple[str, str, bytes, Answer], ...]


@dataclass(frozen=True, slots=True)
class Spell:
    """A time in which a credential is answered otherwise: seconds since the start; no answer: as to a stranger."""

    after: float
    until: float
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class Credential:
    """One credential that the vendor knows, and how it is answered."""

    secrets: frozenset[str]
    answers: Routes
    headers: Mapping[str, str]
    spells: tuple[Spell, ...]


class Vendor:
    """One vendor, as its file describes it."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        self.hosts: tuple[str, ...] = tuple(said["hosts"])
        self._quickest, self._slowest = said.get("delay", (60, 240))
        self._stranger = Answer.read(said.get("stranger", {"status": 401}))
        self._missing = Answer.read(said.get("missing", {"status": 404, "json": {"message": "Not Found"}}))
        self._public = _routes(said.get("public", {}))
        self._answers = _routes(said.get("answers", {}))
        self._credentials = tuple(map(_credential, said.get("credentials", ())))

    def delay(self, question: Question) -> float:
        """Seconds before this question is answered: always the same for one path."""
        spread = zlib.crc32(f"{question.method} {question.path}".encode()) % 1000 / 1000
        return float(self._quickest + (self._slowest - self._quickest) * spread) / 1000

    def answer(self, question: Question, age: float) -> Answer:
        """The answer so many seconds after the start."""
        public = _find(self._public, question)
        if public is not None:
            return public
        words = question.words
        credential = next((one for one in self._credentials if one.secrets & words), None)
        if credential is None:
            return self._stranger
        for spell in credential.spells:
            if spell.after <= age < spell.until:
                return spell.answer or self._stranger
        found = _find(credential.answers, question) or _find(self._answers, question) or self._missing
        return Answer(found.status, found.body, found.content_type, {**credential.headers, **found.headers})


def _credential(said: Mapping[str, Any]) -> Credential:
    secrets = said["secret"] if isinstance(said["secret"], list) else [said["secret"]]
    spells = tuple(
        Spell(
            one.get("after", 0.0),
            one.get("until", _ENDLESS),
            Answer.read(one["answer"]) if "answer" in one else None,
        )
        for one in said.get("spells", ())
    )
    return Credential(frozenset(secrets), _routes(said.get("answers", {})), said.get("headers", {}), spells)


def _routes(said: Mapping[str, Mapping[str, Any]]) -> Routes:
    routes = []
    for route, answer in said.items():
        method, path, *words = route.split(" ", 2)
        routes.append((method, path, "".join(words).encode(), Answer.read(answer)))
    return tuple(routes)


def _find(routes: Routes, question: Question) -> Answer | None:
    segments = question.path.split("/")
    for method, path, words, answer in routes:
        wanted = path.split("/")
        if method != question.method or len(wanted) != len(segments) or words not in question.body:
            continue
        if all(fnmatchcase(one, pattern) for one, pattern in zip(segments, wanted, strict=True)):
            return answer
    return None
