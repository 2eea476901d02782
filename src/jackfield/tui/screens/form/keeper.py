"""The draft of a form: sealed as the form changes, and once more when the vault closes."""

import json
from contextlib import suppress

from jackfield.model.errors import JackfieldError
from jackfield.services.drafts import SavedDraft
from jackfield.services.form import Form
from jackfield.services.resuming import draft_id_for
from jackfield.services.session import Session


class DraftKeeper:
    """Keeps one form's draft until the form is saved or let go."""

    def __init__(self, session: Session, form: Form, draft: SavedDraft | None) -> None:
        """`draft` is the one the form was resumed from."""
        self._session = session
        self._form: Form | None = form
        self._id = draft.id if draft is not None else draft_id_for(form.connection)
        self._version = draft.version if draft is not None else 0
        self._kept, self._at_first = _written(form), form.typed()
        session.on_lock(self._keep_at_last)

    def keep(self) -> None:
        """Seal what the form holds, if that is something new. Raises JackfieldError when it cannot be written.

        Another method alone, with what it begins with, is nothing to go on with and begins no draft.
        """
        if self._form is None:
            return
        written = _written(self._form)
        if written == self._kept or (not self.kept and self._form.typed() == self._at_first):
            return
        self._session.drafts.save(self._id, json.loads(written), version=self._version + 1)
        self._version += 1
        self._kept = written

    def let_go(self) -> None:
        """Keep no more; what was kept stays."""
        self._form = None

    def discard(self) -> None:
        """Keep no more, and forget what was kept."""
        self._form, self._kept = None, ""
        if self._version:
            self._session.drafts.discard(self._id)

    @property
    def kept(self) -> bool:
        """Whether a draft is stored."""
        return self._version > 0

    def _keep_at_last(self) -> None:
        """The vault closes now, whatever happens here."""
        with suppress(JackfieldError):
            self.keep()
        self._form, self._kept = None, ""


def _written(form: Form) -> str:
    return json.dumps(form.content(), sort_keys=True)
