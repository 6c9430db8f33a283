"""Scoring that runs by itself: live sessions as they end, suites at set times and at a version's first sight.

- `config`, `config_file`: what `evals.yaml` may say. `times`: when something is due. `budget`: what there is room for.
- `ledger`, `statements`: what was decided and done, in ClickHouse. `scheduler`, `totals`: what runs when, and did.
- `live`, `traits`: sampled sessions, and what makes them risky. `inputs`: prompts against those of the weeks before.
- `suites`, `due`, `asking`, `comparing`, `versions`: frozen suites against registered targets.
- `planning`: what a sampling rate buys.
- Stores and brokers are handed in (`ports`).

A score is delivered before the ledger says that it is done: a crash between the two grades again, and gives the same
ids.
"""
