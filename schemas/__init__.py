"""The contract that everything shares: events, signals, findings, control commands, policies, topics and tables.

This folder imports nothing of the project and needs pydantic, orjson and PyYAML alone. Its modules:

- `errors`: every error that Watchkeeper raises derives from one class there.
- `model`, `ids`, `json_text`: what all models share, identifiers, and JSON as it is written.
- `envelope`, `contents`, `event_data`, `events`, `wire`: what an agent tells, and how it travels in a Kafka record.
- `event_contents`, `prompts`: which texts an event carries, and the exact prompts rebuilt from them.
- `failure_modes`, `evidence`, `findings`, `signals`, `control`: what the pipeline says. `verdicts`: what people
  say of it. `scores`: what graders say of sessions; `labels`: what people do. `evaluations`: what
  was graded, and what comes next; `alerts`: who was told of what. `losses`: what producers say they lost.
- `policy`, with `policy_tools`, `policy_budgets`, `policy_masking`, `masked_paths`: what an agent may do and spend;
  `policy_canonical`: what its hash is of; `policy_file`, `field_faults`, `yaml_document`: how it is read from YAML,
  with every mistake told; `settings_file`: how files of settings are. `policy_contradictions`, `policy_limits`: what
  cannot hold together, and what is too much.
- `policy_injection`, `policy_leaks`, `policy_retrieval`: which contents from outside may instruct an agent, what may
  not leave it, and what answers rest on. `policy_delegation`, `grants`, `scopes`: what agents may hand on.
- `policy_facts`, `fact_values`, `policy_constraints`, `policy_checkpoints`, `policy_outcomes`: what decisions rest on,
  the rules that hold for them, and what shows whether they were good. `policy_objectives`: what agents promise;
  `policy_quality`: how closely their quality is watched.
- `expressions`, `patterns`, `wildcards`, `argument_paths`: what policies write of conditions, texts, names and places.
- `stored_events`, `stored_texts`: rows of `events` and `contents` read back. `visible_text`: as people see texts.
- `topics`, `rows`, `rollups`, `ddl/`, `migrations`, `sql_text`: where all of it is kept, and how the tables are made.
- `json_schema`, `compatibility`, `json/`, `examples/`: the contract for other languages, one golden file per version,
  and the rule by which it may change.
"""
