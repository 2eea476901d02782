"""What stands behind the guided form: tests of it, saving it, taking it up again, and asking the vendor for it."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jackfield.model.check import ExpiryKnown, Outcome
from jackfield.model.connection import Connection, Scope, State
from jackfield.model.errors import Conflict, InvalidField, Refused, UsageError
from jackfield.model.secret import Secret, Stored
from jackfield.services.asking import picks_for
from jackfield.services.form import Form
from jackfield.services.resuming import begun_forms, draft_id_for, resume
from jackfield.services.session import Session
from jackfield.services.sources import LIMIT, read_source, source_of
from jackfield.services.trial import (
    Trial,
    asks_for_attempts,
    asks_for_private,
    draft_to_ask,
    draft_to_test,
    management_of,
    ready_commands,
    save_form,
    stored_form,
)
from providers.netlify.vendor import GOOD, Netlify

from .conftest import Make

USE = "secret-sync/env"


def filled(session: Session, scope: Scope, *, token: str = GOOD, team: str = "acme") -> Form:
    """A Netlify form with everything that a test needs."""
    form = Form.new(session.registry.get("netlify"), scope)
    form.choose_use(USE, wanted=True)
    form.set_target(USE, "team", team)
    form.type("accessToken", token)
    form.name = "sites"
    return form


def trial(session: Session, form: Form, netlify: Netlify) -> Trial:
    """Test the form, as the engine would."""

    async def run() -> Trial:
        return Trial.of(form, await session.tests.run_draft(draft_to_test(session, form), netlify.network()))

    return asyncio.run(run())


def test_a_tested_form_is_saved_with_its_result(session: Session, scope: Scope, netlify: Netlify) -> None:
    """The connection shows the state that its test had, and the history has that one run."""
    form = filled(session, scope)
    made = save_form(session, form, trial(session, form, netlify))
    assert made.state is State.PASSED
    assert [run.outcome for run in session.tests.history(made.id)] == [Outcome.PASSED]


@pytest.mark.parametrize("change", ["token", "team", "use", "consent", "organization"])
def test_a_result_is_not_kept_for_what_it_was_no_test_of(
    session: Session, scope: Scope, netlify: Netlify, change: str
) -> None:
    """Whatever the test depended on was changed after it: saved as untested. A name or a schedule changes nothing."""
    form = filled(session, scope)
    found = trial(session, form, netlify)
    form.name, form.every_minutes, form.description = "other", None, "changed"
    assert found.speaks_of(form)
    match change:
        case "token":
            form.type("accessToken", "nfp_Other")
        case "team":
            form.set_target(USE, "team", "other")
        case "use":
            form.choose_use(USE, wanted=False)
        case "consent":
            form.private_allowed = True
        case _:
            form.scope = Scope(session.organizations.create("other").id)
    assert not found.speaks_of(form)
    assert save_form(session, form, found).state is State.UNTESTED


def test_a_form_without_a_target_may_ask_the_vendor_but_not_be_tested(session: Session, scope: Scope) -> None:
    """Pickers need the credential alone; a test needs everything; neither runs without the credential."""
    form = filled(session, scope, team="")
    assert draft_to_ask(session, form).fields == {"accessToken": Secret(GOOD)}
    with pytest.raises(InvalidField, match="Team"):
        draft_to_test(session, form)
    form.type("accessToken", "")
    with pytest.raises(InvalidField, match="Access token is needed"):
        draft_to_ask(session, form)


def test_an_edit_is_tested_with_what_it_keeps(session: Session, make: Make, netlify: Netlify) -> None:
    """The stored secret is opened for the test; saving without typing leaves it byte for byte."""
    made = make()
    form = stored_form(session, made)
    assert form.stored == {"accessToken": Stored.UNCHANGED}
    found = trial(session, form, netlify)
    assert found.result.outcome is Outcome.PASSED
    saved = save_form(session, form, found)
    assert saved.id == made.id
    assert saved.state is State.PASSED
    assert session.connections.fields(saved, reason="test") == {"accessToken": Secret(GOOD)}


def test_a_secret_does_not_follow_to_another_address(session: Session, database: Connection) -> None:
    """Host changed, password kept: neither tested nor saved before it is typed again."""
    form = stored_form(session, database)
    form.type("host", "evil.example.com")
    with pytest.raises(InvalidField, match="stored secret does not go along"):
        draft_to_test(session, form)
    with pytest.raises(InvalidField, match="stored secret does not go along"):
        save_form(session, form, None)
    form.type("password", "second secret")
    assert draft_to_test(session, form).fields["password"] == Secret("second secret")


def test_an_edit_of_what_changed_meanwhile_is_refused(session: Session, make: Make) -> None:
    """The loser is told, and the winner's change stays."""
    made = make()
    first, second = stored_form(session, made), stored_form(session, made)
    first.description, second.description = "first", "second"
    save_form(session, first, None)
    with pytest.raises(Conflict):
        save_form(session, second, None)
    assert session.connections.get(made.id).description == "first"


def test_a_typed_expiry_is_kept_shown_again_and_taken_back(session: Session, scope: Scope) -> None:
    """As the end of that day; emptied in an edit it is gone."""
    form = filled(session, scope)
    form.expires = "2031-03-31"
    made = save_form(session, form, None)
    assert made.expires_at == datetime(2031, 3, 31, 23, 59, 59, tzinfo=UTC)
    edit = stored_form(session, made)
    assert edit.expires == "2031-03-31"
    edit.expires = ""
    cleared = save_form(session, edit, None)
    assert (cleared.expires_at, cleared.expiry_known) == (None, ExpiryKnown.UNKNOWN)


def test_an_edit_can_move_a_connection(session: Session, make: Make, scope: Scope) -> None:
    """Its place changes with the rest, and the secret still opens there."""
    made = make()
    form = stored_form(session, made)
    form.scope = Scope(scope.organization_id, session.projects.create(scope.organization_id, "web").id)
    moved = save_form(session, form, None)
    assert moved.scope == form.scope
    assert session.connections.fields(moved, reason="test") == {"accessToken": Secret(GOOD)}


def test_what_a_form_asks_consent_for(session: Session, scope: Scope) -> None:
    """Private addresses where fields decide the address, attempts where a provider declares one."""
    postgres, netlify = (Form.new(session.registry.get(slug), scope) for slug in ("postgres", "netlify"))
    assert (asks_for_private(postgres), asks_for_private(netlify)) == (True, False)
    assert not asks_for_attempts(netlify)
    assert management_of(postgres.provider, postgres.method_id) is not None
    assert management_of(netlify.provider, netlify.method_id) is None


def test_ready_commands_name_the_connection(session: Session, make: Make) -> None:
    """What can be run next, with the variables that a command gets."""
    made = make("sites")
    lines = {command.line: command.does for command in ready_commands(stored_form(session, made), made)}
    assert lines["jackfield exec sites -- COMMAND"] == "a command with NETLIFY_AUTH_TOKEN"
    assert "jackfield connection test sites" in lines


# Drafts


def test_a_new_form_is_taken_up_again_with_all_that_it_held(session: Session, scope: Scope) -> None:
    """Uses, targets, texts, name, consents, tags and what was chosen about it."""
    form = filled(session, scope)
    form.tags, form.description, form.every_minutes = ("web", "blue"), "the sites", None
    session.drafts.save(draft_id_for(None), form.content(), version=1)
    (begun,) = begun_forms(session)
    assert (begun.provider_name, begun.name, begun.edits) == ("Netlify", "sites", False)
    again = resume(session, begun.draft)
    assert again.content() == form.content()


def test_an_edit_is_taken_up_again_over_what_is_stored_now(session: Session, make: Make) -> None:
    """What was typed is in it; what was not typed is what the connection has by now."""
    made = make("sites")
    form = stored_form(session, made)
    form.type("accessToken", "nfp_typed")
    form.description = "typed"
    session.drafts.save(draft_id_for(made), form.content(), version=1)
    (begun,) = begun_forms(session)
    assert (begun.name, begun.edits) == ("sites", True)
    again = resume(session, begun.draft)
    assert again.connection == session.connections.get(made.id)
    assert (again.texts, again.stored, again.description) == ({"accessToken": "nfp_typed"}, {}, "typed")


def test_a_draft_of_a_provider_that_is_gone_is_left_out(session: Session, scope: Scope) -> None:
    """It hurts no other one."""
    form = filled(session, scope)
    session.drafts.save("gone", {**form.content(), "provider": "nowhere"}, version=1)
    session.drafts.save("here", form.content(), version=1)
    assert [begun.draft.id for begun in begun_forms(session)] == ["here"]


# What the vendor is asked


def ask(session: Session, form: Form, netlify: Netlify) -> list[tuple[str, str, str]]:
    picks = asyncio.run(picks_for(session, draft_to_ask(session, form), USE, "team", netlify.network()))
    return [(pick.value, pick.label, pick.lacks) for pick in picks]


def test_a_picker_lists_what_the_vendor_has_by_name(session: Session, scope: Scope, netlify: Netlify) -> None:
    """Value and name, cleaned, each once; what has no value is left out."""
    teams = [{"slug": "zed", "name": "Zed\x1b[2J"}, {"slug": "acme", "name": "Acme"}, {"slug": "acme"}, {"name": "-"}]
    netlify.vendor.answers("GET", "/api/v1/accounts", teams)
    assert ask(session, filled(session, scope, team=""), netlify) == [("acme", "Acme", ""), ("zed", "Zed[2J", "")]


def test_a_refused_listing_says_so(session: Session, scope: Scope, netlify: Netlify) -> None:
    """No empty list where the vendor gave none."""
    with pytest.raises(Refused, match="does not offer a list") as refused:
        ask(session, filled(session, scope, token="nfp_Wrong", team=""), netlify)
    assert refused.value.next_step == "Type the value."


def test_nothing_is_asked_for_a_target_without_a_picker(session: Session, scope: Scope, netlify: Netlify) -> None:
    """Targets that a provider lists nowhere are typed."""
    provider = session.registry.get("netlify")
    use = provider.uses[0]
    bare = use.model_copy(update={"target": {"team": use.target["team"].model_copy(update={"pick": None})}})
    session.registry._loaded["netlify"] = provider.model_copy(update={"uses": (bare,)})
    with pytest.raises(Refused, match="offers no list for Team"):
        ask(session, filled(session, scope, team=""), netlify)
    assert netlify.vendor.requests == []


# Values that are named


def test_a_value_is_read_from_where_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file without the line end after it, a variable as it is."""
    file = tmp_path / "key.pem"
    file.write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")
    monkeypatch.setenv("SOME_TOKEN", "value")
    assert read_source(f"@{file}") == "one\r\ntwo"
    assert read_source("env:SOME_TOKEN") == "value"
    assert source_of(" @key.pem ") == "the file key.pem"
    assert source_of("env:SOME_TOKEN") == "the environment variable SOME_TOKEN"


@pytest.mark.parametrize("text", ["", "@", "@@handle", "env:", "a@b.example", "@one\n@two", "environment"])
def test_what_names_no_place_is_the_value_itself(text: str) -> None:
    """A doubled sign, a bare one, or several lines mean themselves."""
    assert source_of(text) == ""


def test_what_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, a folder, too large, not text, not set; never the content."""
    large, binary = tmp_path / "large", tmp_path / "binary"
    large.write_bytes(b"x" * (LIMIT + 1))
    binary.write_bytes(b"\xff\xfe\x00")
    monkeypatch.delenv("NOT_SET_AT_ALL", raising=False)
    for text, reason in (
        (f"@{tmp_path}/none", "No such file"),
        (f"@{tmp_path}", "Is a directory"),
        (f"@{large}", "larger than 1 MiB"),
        (f"@{binary}", "not text"),
        ("@bad\0name", "no file name"),
        ("env:NOT_SET_AT_ALL", "not set here"),
    ):
        with pytest.raises(UsageError, match=reason):
            read_source(text)


def test_a_value_that_is_meant_serves_the_same_target_elsewhere(session: Session, scope: Scope) -> None:
    """Only where it is empty, and only where it means the same."""
    form = Form.new(session.registry.get("github"), scope)
    for use in ("secret-sync/repository", "secret-sync/environment"):
        form.choose_use(use, wanted=True)
    form.set_target("secret-sync/repository", "repository", "acme/app")
    assert form.spread_target("secret-sync/repository", "repository")
    assert form.uses["secret-sync/environment"] == {"repository": "acme/app", "environment": ""}
    form.set_target("secret-sync/repository", "repository", "acme/other")
    assert not form.spread_target("secret-sync/repository", "repository")
    assert replace(form).uses["secret-sync/environment"]["repository"] == "acme/app"
