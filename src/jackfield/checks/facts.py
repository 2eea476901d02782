"""The facts of one check: each declared request is made at most once, when a rule first needs it."""

import asyncio
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from jackfield.model.check import Exchange
from jackfield.net.failure import NetFailure
from jackfield.net.http import HttpClient, Reply, Shape
from jackfield.providers.contract.call import Call
from jackfield.providers.contract.expression import Expression, Template, path_escape
from jackfield.providers.contract.fact import Auth, Fact, Pages
from jackfield.providers.contract.kinds import Effect
from jackfield.providers.contract.spec import Method, Provider
from jackfield.providers.contract.values import NOTHING
from jackfield.text import cleaned

UNDECIDED_STATUSES = frozenset({408, 425, 429, *range(500, 600)})  # say nothing about a right


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one fact. `values` is what rules read; absent when the fact could not be had."""

    fact: str
    values: Mapping[str, Any] | None
    reason: str = ""  # why there are no values, or why they decide nothing
    failure: NetFailure | None = None
    reply: Reply | None = None
    decides: bool = True  # False: busy, broken or not what was asked for, so no verdict may rest on it
    complete: bool = True  # False: a listing that was not read to its end
    needs_consent: bool = False
    not_needed: bool = False  # its own condition says that there is nothing to ask


class FactBook:
    """Makes and keeps the facts of one check. Plain names (fields, built-ins) are given at the start."""

    def __init__(
        self,
        provider: Provider,
        method: Method,
        names: Mapping[str, object],
        call: Call,
        client: HttpClient,
        *,
        functions: Any,
        attempts_allowed: bool,
    ) -> None:
        self.provider = provider
        self.method = method
        self.exchanges: list[Exchange] = []
        self.answers: dict[tuple[str, str], Answer] = {}
        self._names = dict(names)
        self._call = call
        self._client = client
        self._functions = functions
        self._attempts_allowed = attempts_allowed
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}

    async def read(
        self, rules: Expression | Template, target: Mapping[str, object]
    ) -> tuple[dict[str, object], list[Answer]]:
        """The names a rule reads, its facts made, and those facts' answers. Facts without values are left out."""
        names: dict[str, object] = {"target": dict(target)}
        answers: list[Answer] = []
        for name in sorted(rules.reads):
            if name in self.provider.facts:
                answer = await self.make(name, target)
                answers.append(answer)
                if answer.values is not None:
                    names[name] = answer.values
            elif name in self._names:
                names[name] = self._names[name]
        return names, answers

    def known(self, rule: Expression | Template, target: Mapping[str, object]) -> dict[str, object]:
        """The names a rule reads, from facts already made; nothing is asked for it."""
        names: dict[str, object] = {"target": dict(target)}
        for name in rule.reads:
            if name in self.provider.facts:
                answer = self.answers.get(self._key(name, target))
                if answer is not None and answer.values is not None:
                    names[name] = answer.values
            elif name in self._names:
                names[name] = self._names[name]
        return names

    async def make(self, name: str, target: Mapping[str, object]) -> Answer:
        """The fact's answer; the request is sent only the first time it is asked for."""
        key = self._key(name, target)
        async with self._locks.setdefault(key, asyncio.Lock()):
            if key not in self.answers:
                self.answers[key] = await self._ask(name, self.provider.facts[name], target)
            return self.answers[key]

    def forget_requests(self, names: Iterable[str]) -> bool:
        """Let those of these facts that are requests be sent once more; False where none is.

        What a function found stays: it may hold a session, or log in by a secret that must not be tried twice.
        """
        keys = [self._key(name, {}) for name in names if name in self.provider.facts]
        requests = [key for key in keys if self.provider.facts[key[0]].call is None]
        for key in requests:
            self.answers.pop(key, None)
        return bool(requests)

    def has(self, name: str, target: Mapping[str, object]) -> bool:
        """Whether the fact has its answer already."""
        return self._key(name, target) in self.answers

    def _key(self, name: str, target: Mapping[str, object]) -> tuple[str, str]:
        return name, json.dumps(target, sort_keys=True) if name in self.provider.targeted_facts else ""

    async def _ask(self, name: str, fact: Fact, target: Mapping[str, object]) -> Answer:
        if fact.effect is Effect.ATTEMPT and not self._attempts_allowed:
            return Answer(
                name, None, "needs a guarded attempt, which this connection does not allow", needs_consent=True
            )
        if fact.when is not None:
            names, answers = await self.read(fact.when, target)
            if fact.when.decide(names) is not True:
                return _first_failure(name, answers) or Answer(name, None, "not needed here", not_needed=True)
        try:
            if fact.call is not None:
                return await self._call_function(name, fact, target)
            return await self._send(name, fact, target)
        except _Absent as absent:
            return absent.answer
        except NetFailure as failure:
            self._note(name, fact.call or fact.request[0], "", failure.kind.value, 0.0)
            return Answer(name, None, failure.message, failure)

    # --- Python facts ---------------------------------------------------------------------------------------------

    async def _call_function(self, name: str, fact: Fact, target: Mapping[str, object]) -> Answer:
        arguments = await self._fill(name, fact.arguments or {}, target)
        call = Call(**{**self._call.__dict__, "target": dict(target), "arguments": arguments})
        started = time.perf_counter()
        values = await self._functions(fact.call)(call)
        error = values.get("error")
        self._note(name, fact.call or "", "", f"error {error}" if error else "answered", _ms(started))
        return Answer(name, values, decides=not values.get("undecided", False))

    # --- HTTP facts -----------------------------------------------------------------------------------------------

    async def _send(self, name: str, fact: Fact, target: Mapping[str, object]) -> Answer:
        verb, address = fact.request
        url = await self._url(name, address, target)
        options: dict[str, Any] = {
            "accept": fact.accept,
            "headers": await self._texts(name, self.provider.headers, target),
            "query": await self._texts(name, fact.query, target) or None,
            "discard": fact.discard,
        }
        options["headers"] |= await self._texts(name, fact.headers, target)
        options["auth"] = await self._carry(name, fact, target, options["headers"])
        if fact.form is not None:
            options["form"] = await self._texts(name, fact.form, target)
        if fact.json_body is not None:
            options["json"] = await self._fill(name, fact.json_body, target)
        reply = await self._request(name, verb, url, options)
        answer = self._answer(name, fact, reply)
        return await self._turn_pages(name, fact, answer, url, options) if fact.pages else answer

    async def _request(self, name: str, verb: str, url: str, options: Mapping[str, Any]) -> Reply:
        reply = await self._client.request(verb, url, **options)
        self._note(name, verb, url.partition("?")[0], str(reply.status), reply.elapsed_ms)
        return reply

    def _answer(self, name: str, fact: Fact, reply: Reply) -> Answer:
        reason = undecided_reason(
            reply, expects_json="json" in fact.accept and not fact.discard and reply.status != 204
        )
        values: dict[str, Any] = {
            "status": reply.status,
            "headers": dict(reply.headers),
            "body": reply.body,
            "skew": _skew(reply),
        }
        return Answer(name, values, reason, reply=reply, decides=not reason)

    async def _turn_pages(self, name: str, fact: Fact, answer: Answer, url: str, options: Mapping[str, Any]) -> Answer:
        """Follow a listing to its end or to its limit; its items are gathered under `items`."""
        pages = fact.pages
        if pages is None or answer.reply is None or not answer.decides or answer.reply.status >= 300:
            return answer
        items: list[Any] = []
        reply, host = answer.reply, urlsplit(url).netloc
        for page in range(1, pages.most + 1):
            names: dict[str, object] = {"body": reply.body, "headers": dict(reply.headers), "page": page}
            found = pages.items.evaluate(names)
            items += found if isinstance(found, list) else []
            names["seen"] = len(items)
            try:
                after = _next_page(pages, names, url, options)
                leads_away = after is not None and urlsplit(after[0]).netloc != host
            except ValueError:  # what the vendor gives is no address
                return self._listed(answer, items, complete=False)
            if after is None:
                break
            if leads_away or page == pages.most:
                return self._listed(answer, items, complete=False)
            url, asked = after
            reply = await self._request(name, fact.request[0], url, asked)
            if reply.status >= 300 or undecided_reason(reply, expects_json=True):
                return self._listed(answer, items, complete=False)
        return self._listed(answer, items, complete=True)

    def _listed(self, answer: Answer, items: list[Any], *, complete: bool) -> Answer:
        values = {**(answer.values or {}), "items": items, "complete": complete}
        reason = "" if complete else "the listing was not read to its end"
        return Answer(answer.fact, values, reason, reply=answer.reply, complete=complete)

    async def _url(self, name: str, address: Template, target: Mapping[str, object]) -> str:
        text = address.text
        parts = address.parts
        whole = text.startswith(("https://", "http://")) or (bool(parts) and isinstance(parts[0], Expression))
        path = await self._address(name, address, target)
        return path if whole else (await self.base_url(name, target)).rstrip("/") + path

    async def base_url(self, name: str, target: Mapping[str, object]) -> str:
        """The root of the vendor's API for these fields. A fact without one is a fault of the provider file."""
        base = self.provider.base_url
        if isinstance(base, tuple):
            for choice in base:
                names, _ = await self.read(choice.when, target)
                if choice.when.decide(names) is True:
                    return await self._address(name, choice.url, target)
            base = None
        if base is None:
            raise _Absent(Answer(name, None, "no address of the vendor fits these fields"))
        return await self._address(name, base, target)

    async def _address(self, name: str, address: Template, target: Mapping[str, object]) -> str:
        """A filled address. A value at its start is a whole URL of its own; elsewhere it is percent-encoded."""
        names, answers = await self.read(address, target)
        first = address.parts[0] if address.parts else ""
        done: list[str] = []
        for part in address.parts:
            if isinstance(part, str):
                done.append(part)
                continue
            value = Template("{" + part.text + "}").render(names)
            if value is NOTHING:
                raise _Absent(_first_failure(name, answers) or Answer(name, None, f"{part.text} is not known"))
            done.append(str(value).rstrip("/") if part is first else path_escape(str(value)))
        return "".join(done)

    async def _texts(self, name: str, texts: Mapping[str, Template], target: Mapping[str, object]) -> dict[str, str]:
        return {key: await self._text(name, text, target) for key, text in texts.items()}

    async def _text(self, name: str, text: Template, target: Mapping[str, object]) -> str:
        names, answers = await self.read(text, target)
        value = text.render(names)
        if value is NOTHING:
            raise _Absent(_first_failure(name, answers) or Answer(name, None, f"{text.text} is not known"))
        return str(value)

    async def _fill(self, name: str, data: Any, target: Mapping[str, object]) -> Any:
        """JSON-like data with its templates filled; a text that is one expression keeps that value's type."""
        if isinstance(data, dict):
            return {key: await self._fill(name, value, target) for key, value in data.items()}
        if isinstance(data, list):
            return [await self._fill(name, value, target) for value in data]
        if not isinstance(data, str):
            return data
        template = Template(data)
        if len(template.parts) == 1 and isinstance(template.parts[0], Expression):
            names, answers = await self.read(template, target)
            value = template.parts[0].evaluate(names)
            if value is NOTHING:
                raise _Absent(_first_failure(name, answers) or Answer(name, None, f"{data} is not known"))
            return value
        return await self._text(name, template, target)

    async def _carry(self, name: str, fact: Fact, target: Mapping[str, object], headers: dict[str, str]) -> Any:
        """Put the credential where the vendor wants it: a header, or an httpx.Auth for signed requests."""
        auth = self.method.auth if fact.auth is None else fact.auth
        if not isinstance(auth, Auth):
            return None
        if auth.bearer is not None:
            names, answers = await self.read(auth.bearer, target)
            token = auth.bearer.evaluate(names)
            if not isinstance(token, str) or not token:
                raise _Absent(_first_failure(name, answers) or Answer(name, None, "there is no token to send"))
            headers["authorization"] = f"Bearer {token}"
        for header, text in (auth.headers or {}).items():
            headers[header] = await self._text(name, text, target)
        if auth.basic is not None:
            import httpx

            username = await self._text_or_empty(auth.basic.username, target)
            return httpx.BasicAuth(username, await self._text_or_empty(auth.basic.password, target))
        if auth.call is not None:
            return self._functions(auth.call)(self._call)
        return None

    async def _text_or_empty(self, text: Template, target: Mapping[str, object]) -> str:
        names, _ = await self.read(text, target)
        value = text.render(names)
        return "" if value is NOTHING else str(value)

    def _note(self, fact: str, method: str, target: str, status: str, ms: float) -> None:
        self.exchanges.append(Exchange(fact, method, cleaned(target, limit=300), status, round(ms, 1)))


class _Absent(Exception):
    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.reason)
        self.answer = answer


def _first_failure(name: str, answers: list[Answer]) -> Answer | None:
    """An answer that passes on why a fact it was built from is missing."""
    for answer in answers:
        if answer.values is None or not answer.decides:
            return Answer(
                name, None, answer.reason, answer.failure, needs_consent=answer.needs_consent, reply=answer.reply
            )
    return None


def undecided_reason(reply: Reply, *, expects_json: bool) -> str:
    """Why no verdict may rest on a reply; empty when one may."""
    if asks_to_wait(reply):
        return "the vendor asked to wait"
    if reply.status in UNDECIDED_STATUSES:
        return f"the vendor answered {reply.status}"
    if 300 <= reply.status < 400 and reply.status != 304:
        return f"redirected to {reply.redirect_to or 'another place'}, which is not followed"
    if expects_json and reply.status < 300 and reply.shape is not Shape.JSON:
        return f"answered {_SHAPES.get(reply.shape, 'something else')} where JSON was asked for"
    return ""


def asks_to_wait(reply: Reply) -> bool:
    """Whether a refusal is about the number of requests, not about a right: 429, or a 403 whose headers say so."""
    used_up = reply.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in reply.headers
    return reply.status == 429 or (reply.status == 403 and used_up)


_SHAPES = {
    Shape.HTML: "a web page",
    Shape.TEXT: "plain text",
    Shape.EMPTY: "nothing",
    Shape.BROKEN: "a broken body",
    Shape.TOO_LARGE: "more than 1 MiB",
    Shape.TOO_DEEP: "JSON nested too deeply",
}


def _next_page(
    pages: Pages, names: Mapping[str, Any], url: str, options: Mapping[str, Any]
) -> tuple[str, Mapping[str, Any]] | None:
    """URL and options of the request for the page after the one `names` tells of; None when that was the last."""
    query, headers, variables = (
        {name: _page_value(rule.evaluate(names)) for name, rule in part.items()}
        for part in (pages.query, pages.headers, pages.variables)
    )
    if query or headers or variables:
        if "" in (*query.values(), *headers.values(), *variables.values()):
            return None
        after = {
            "query": {**(options["query"] or {}), **query} or None,
            "headers": {**options["headers"], **headers},
        }
        if variables:
            body = options["json"]
            after["json"] = {**body, "variables": {**body.get("variables", {}), **variables}}
        return url, {**options, **after}
    address = _linked_page(names["headers"].get("link", "")) if pages.link_header else None
    if pages.next is not None:
        address = _page_value(pages.next.evaluate(names))
    return (urljoin(url, address), {**options, "query": None}) if address else None


def _page_value(value: object) -> str:
    """A number or text that leads to another page; empty when there is none."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _linked_page(header: str) -> str | None:
    for link in header.split(","):
        address, _, rest = link.partition(";")
        if 'rel="next"' in rest.replace("'", '"'):
            return address.strip().strip("<>")
    return None


def _skew(reply: Reply) -> int:
    """Seconds the vendor's clock is ahead of ours, by its Date header; 0 when it does not say."""
    try:
        there = parsedate_to_datetime(reply.headers["date"])
    except (KeyError, ValueError, TypeError):
        return 0
    return round((there - datetime.now(UTC)).total_seconds()) if there.tzinfo else 0


def _ms(started: float) -> float:
    return (time.perf_counter() - started) * 1000
