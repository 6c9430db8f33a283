"""A company's books: accounts by quarter, rates, and exports that take their time."""

from __future__ import annotations

import threading
from typing import Any, Final, Literal

from watchkeeper.producers.fleet.worlds import chance_for

CHECKS_UNTIL_READY: Final = 3
_RATES: Final = {"EUR": 1.0, "USD": 1.08, "GBP": 0.86, "CHF": 0.95}

Currency = Literal["EUR", "USD", "GBP", "CHF"]


class Books:
    """Figures that are the same at every run, a rate service that fails at first, and exports."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: set[str] = set()
        self._exports: dict[str, int] = {}

    def query_account(self, account: str, quarter: str) -> dict[str, Any]:
        """The turnover of an account in a quarter, with its postings."""
        chance = chance_for("books", account, quarter)
        postings = [{"day": day, "amount": round(chance.uniform(-900, 2600), 2)} for day in range(1, 90, 7)]
        return {
            "account": account,
            "quarter": quarter,
            "turnover": round(sum(posting["amount"] for posting in postings), 2),
            "postings": postings,
        }

    def read_statement(self, account: str, quarter: str) -> dict[str, Any]:
        """The full statement of an account: every posting of a quarter with its text."""
        chance = chance_for("statement", account, quarter)
        lines = [
            f"{quarter} {number:04d} {account} invoice {chance.randint(10**7, 10**8)} {chance.uniform(-900, 900):.2f}"
            for number in range(600)
        ]
        return {"account": account, "quarter": quarter, "lines": lines}

    def fetch_rate(self, source: Currency, target: Currency, reference: str) -> dict[str, Any]:
        """The rate of exchange for a report. At month's end the service behind it drops the first request."""
        with self._lock:
            first = reference not in self._asked
            self._asked.add(reference)
        if first and reference.startswith("month-end"):
            raise ConnectionError("the rate service closed the connection: try again")
        return {"rate": round(_RATES[target] / _RATES[source], 4), "reference": reference}

    def start_export(self, report: str) -> dict[str, Any]:
        """Start to export a report; answers the job's id."""
        job_id = f"export-{chance_for('export', report).randrange(16**6):06x}"
        with self._lock:
            self._exports[job_id] = 0
        return {"job_id": job_id, "status": "running"}

    def export_status(self, job_id: str) -> dict[str, Any]:
        """Whether an export is ready."""
        with self._lock:
            if job_id not in self._exports:
                raise LookupError(f"no export {job_id}: start one first")
            self._exports[job_id] += 1
            ready = self._exports[job_id] > CHECKS_UNTIL_READY
        return {"job_id": job_id, "status": "ready" if ready else "running"}
