"""The test of a form: the one under way, and the last one that ended."""

from collections.abc import Callable

from textual.widget import Widget

from jackfield.checks.request import OnProgress
from jackfield.services.engine import Engine, Job
from jackfield.services.form import Form
from jackfield.services.session import Session
from jackfield.services.trial import Subject, Trial, draft_to_test, subject_of
from jackfield.tui.live import CheckEnded, CheckTold, LiveCheck


class FormTest:
    """Begins and cancels tests; what a test tells after it was cancelled or replaced is dropped."""

    def __init__(self, session: Session, engine: Engine, form: Form, listener: Widget) -> None:
        self._session = session
        self._engine = engine
        self._form = form
        self._listener = listener
        self._subject: Subject = ()
        self.check: LiveCheck | None = None  # under way
        self.last: Trial | None = None

    @property
    def trial(self) -> Trial | None:
        """The last test, as long as it still speaks of what is in the form."""
        return self.last if self.last is not None and self.last.speaks_of(self._form) else None

    def begin(self) -> None:
        """Test what is typed now. Raises InvalidField for what keeps it from running."""
        self.cancel()
        beginning = self.prepared()
        check = LiveCheck(self._listener)
        check.follow(beginning)
        self.check, self._subject, self.last = check, subject_of(self._form), None

    def prepared(self) -> Callable[[OnProgress], Job]:
        """What begins the test of what is typed now. Raises InvalidField for what keeps it from running."""
        draft = draft_to_test(self._session, self._form)
        return lambda told: self._engine.test_draft(draft, told)

    def cancel(self) -> bool:
        """Stop the test; False when none is under way."""
        if self.check is None:
            return False
        self.check.cancel()
        self.check = None
        return True

    def take(self, event: CheckTold) -> bool:
        """Take what was told; False when it came of an older test."""
        if event.check is not self.check:
            return False
        event.check.take(event.progress)
        return True

    def end(self, event: CheckEnded) -> bool:
        """Take the end; False when it came of an older test."""
        if event.check is not self.check:
            return False
        self.check = None
        if event.result is not None:
            self.last = Trial(self._subject, event.result)
        return True
