"""The contract that everything shares: events, signals, findings, control commands, policies, topics and tables.

This folder imports nothing of the project and needs pydantic, orjson and PyYAML alone. Its modules:

- `errors`: every error that Watchkeeper raises derives from one class there.
- `model`, `ids`, `json_text`: what all models share, identifiers, and JSON as it is written.
- `envelope`, `contents`, `event_data`, `events`, `wire`: what an agent tells, and how it travels in a Kafka record.
- `event_contents`, `prompts`: which texts an event carries, and the exact prompts rebuilt from them.
- `failure_modes`, `evidence`, `findings`, `signals`, `control`: what the pipeline says.
- `policy`: what an agent may do; `policy_file`, `policy_faults`, `yaml_document`: how it is read from YAML, with every
  mistake told.
- `topics`, `rows`, `rollups`, `ddl/`, `migrations`, `sql_text`: where all of it is kept, and how the tables are made.
- `json_schema`, `compatibility`, `json/`, `examples/`: the contract for other languages, one golden file per version,
  and the rule by which it may change.
"""
