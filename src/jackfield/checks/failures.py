"""What a failed check says: the provider's own rules first, then what any HTTP answer means."""

from collections.abc import Iterable, Mapping
from typing import Final

from jackfield.checks.facts import Answer, FactBook, undecided_reason
from jackfield.model.check import Failure, FailureKind
from jackfield.net.http import Reply
from jackfield.providers.contract.values import NOTHING
from jackfield.text import cleaned

CLOCK_SKEW_LIMIT: Final = 300  # seconds; most signatures and assertions are refused beyond it

SENTENCES: Final = {
    FailureKind.UNREACHABLE: "{vendor} could not be reached.",
    FailureKind.NAME: "The host name is not known.",
    FailureKind.TLS: "{vendor} could not be verified.",
    FailureKind.PROXY: "A proxy stands between here and {vendor}.",
    FailureKind.REJECTED: "{vendor} does not accept this credential.",
    FailureKind.EXPIRED: "This credential has expired.",
    FailureKind.LOCKED_OUT: "The account is locked or switched off.",
    FailureKind.WRONG_TENANT: "The credential belongs to another account or tenant.",
    FailureKind.FORBIDDEN: "The credential is valid, but may not do this.",
    FailureKind.THROTTLED: "{vendor} asks to wait before asking again.",
    FailureKind.VENDOR_FAULT: "{vendor} has a fault of its own.",
    FailureKind.CLOCK: "The clocks here and at {vendor} differ too much.",
    FailureKind.MISCONFIGURED: "What is configured here does not fit {vendor}.",
    FailureKind.UNSUPPORTED: "This cannot be tested here.",
    FailureKind.CANCELLED: "The test was cancelled.",
    FailureKind.INTERNAL: "Jackfield met an error of its own.",
}


def sentence(kind: FailureKind, vendor: str) -> str:
    """What a kind of failure means, in one sentence."""
    return SENTENCES[kind].format(vendor=vendor)


def declared_failure(book: FactBook, target: Mapping[str, object]) -> Failure | None:
    """The first of the provider's failure rules that holds, over facts already made; no request is sent for it."""
    for rule in book.provider.failures:
        if rule.when.decide(book.known(rule.when, target)) is not True:
            continue
        step = rule.next.render(book.known(rule.next, target))
        text = rule.next.text if step is NOTHING else str(step)
        return Failure(
            rule.kind,
            rule.message or sentence(rule.kind, book.provider.name),
            cleaned(text, limit=500),
            retry_after=_retry_after(book.answers.values()),
            rule=rule.id,
        )
    return None


def general_failure(answer: Answer, vendor: str) -> Failure | None:
    """What an answer means for any vendor; None when nothing is wrong with it."""
    if answer.failure is not None:
        return answer.failure.as_failure()
    if answer.reply is None:
        return None
    return _of_reply(answer.reply, vendor, answer.reason)


def _of_reply(reply: Reply, vendor: str, reason: str) -> Failure | None:
    status = reply.status
    if status == 429:
        wait = reply.retry_after
        when = f"It asks to wait {wait:.0f} s." if wait else "Test again in a few minutes."
        return Failure(FailureKind.THROTTLED, sentence(FailureKind.THROTTLED, vendor), when, retry_after=wait)
    if status == 407:
        return Failure(
            FailureKind.PROXY, sentence(FailureKind.PROXY, vendor), "Reach the vendor without a proxy, or log in to it."
        )
    if status >= 500:
        message = f"{vendor} answered {status}: a fault on its side."
        return Failure(
            FailureKind.VENDOR_FAULT, message, "Look at its status page and test again later.", reply.retry_after
        )
    if 300 <= status < 400:
        place = cleaned(reply.redirect_to or "another place", limit=200)
        return Failure(
            FailureKind.MISCONFIGURED,
            f"{vendor} redirects to {place}; a credential does not follow a redirect.",
            "Enter the address it redirects to, if it is the vendor's.",
        )
    if status == 401:
        return Failure(
            FailureKind.REJECTED,
            sentence(FailureKind.REJECTED, vendor),
            "Copy it again, whole, or make a new one (step 2).",
        )
    if status == 403:
        return Failure(
            FailureKind.FORBIDDEN,
            sentence(FailureKind.FORBIDDEN, vendor),
            "Give it the permissions of the chosen uses (step 1).",
        )
    if status >= 400:
        message = f"{vendor} answered {status} to a request that should work."
        return Failure(FailureKind.MISCONFIGURED, message, "Check the host and the other fields.")
    if undecided_reason(reply, expects_json=True) and reason:
        message = f"{vendor} {reason}."
        return Failure(FailureKind.MISCONFIGURED, message, "Check the host: a login page or a proxy may have answered.")
    return None


def _retry_after(answers: Iterable[Answer]) -> float | None:
    waits = [answer.reply.retry_after for answer in answers if answer.reply is not None]
    return max((wait for wait in waits if wait is not None), default=None)
