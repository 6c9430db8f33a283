"""Graders with options: an option is a field, and other options are another version."""

from __future__ import annotations

from typing import ClassVar

from watchkeeper.evals.grading.digests import digest_of
from watchkeeper.evals.grading.grade import Grade
from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.suites.case import Case
from watchkeeper.schemas.model import Model


class ConfiguredGrader(Model):
    """A grader whose options are its fields; all of them have defaults or say what they are for.

    Attributes:
        NAME: what configuration and scores call it.
        REVISION: of its method: raised whenever the same options may give another grade.
    """

    NAME: ClassVar[str]
    REVISION: ClassVar[str] = "1"

    @property
    def name(self) -> str:
        """What scores call it."""
        return self.NAME

    @property
    def version(self) -> str:
        """The method's revision, and a digest of the options that are not the default."""
        chosen = self.model_dump(mode="json", exclude_defaults=True)
        return f"{self.REVISION}.{digest_of(chosen)}" if chosen else self.REVISION

    def applies(self, interaction: Interaction, case: Case | None) -> bool:
        """Whether there is anything to grade."""
        raise NotImplementedError

    def grade(self, interaction: Interaction, case: Case | None) -> Grade:
        """What it says."""
        raise NotImplementedError
