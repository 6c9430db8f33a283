"""Who may read a looked-up document: a pure question, for the detector and for a guard that filters.

A document may be read by whoever is in one of the groups of its access list. Groups are compared by name without
regard to case and surrounding spaces, as directories do; that one group contains another is not known here: the
asker's groups are those that the runtime resolved, nested ones included.

- No list (None): the retriever does not know. Nothing follows; a policy may demand lists.
- A list without entries: as `retrieval.empty_access_list` says, everybody by default. A list that names nobody is
  what most stores give for a document without restrictions; a store where it means "nobody" must say so.
- A list with a group of `retrieval.public_groups`: everybody.
- An asker without groups ([]): reads what is public. An asker whose groups are not known (None): nothing follows.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from watchkeeper.schemas.events import Document
from watchkeeper.schemas.policy_retrieval import Retrieval

Access = Literal["allowed", "denied", "no_list", "no_asker"]


def access_of(document: Document, asker_groups: Collection[str] | None, rules: Retrieval) -> Access:
    """Whether somebody in these groups may read the document, or why that cannot be told."""
    listed = document.allowed_groups
    if listed is None:
        return "no_list"
    if not listed:
        return "allowed" if rules.empty_access_list == "public" else "denied"
    allowed = folded(listed)
    if not allowed.isdisjoint(folded(rules.public_groups)):
        return "allowed"
    if asker_groups is None:
        return "no_asker"
    return "denied" if allowed.isdisjoint(folded(asker_groups)) else "allowed"


def folded(groups: Collection[str]) -> set[str]:
    """Names of groups as they are compared."""
    return {group.strip().casefold() for group in groups}
