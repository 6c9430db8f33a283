"""Brings recorded sessions in, by the way that live events take.

- `forms`, `lines`, `sessions`, `messages`, `fields`: read the neutral form, OpenAI's chat messages and our own events.
- `model`: what a recording says, whatever form it was written in.
- `times`: when each thing happened.
- `retelling`: tells a recorded session to the recorder. `republishing`: sends our own events again, unchanged.
- `importer`: all of it, over files. `ledger`: what was produced.
"""

from watchkeeper.producers.importers.discard import DiscardTransport
from watchkeeper.producers.importers.importer import Choices, Importer, Report
from watchkeeper.producers.importers.ledger import Ledger, WriterKey
from watchkeeper.producers.importers.model import Form, Problem

__all__ = ["Choices", "DiscardTransport", "Form", "Importer", "Ledger", "Problem", "Report", "WriterKey"]
