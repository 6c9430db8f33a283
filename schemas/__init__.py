"""The contract that everything shares: events, signals, findings, control commands, policies, topics and tables.

This folder imports nothing of the project and needs pydantic, orjson and PyYAML alone. Its modules:

- `errors`: every error that Watchkeeper raises derives from one class there.
- `envelope`, `contents`, `events`, `wire`: what an agent tells, and how it travels in a Kafka record.
- `failure_modes`, `evidence`, `findings`, `signals`, `control`: what the pipeline says.
- `policy`, `policy_file`: what an agent may do, and how it is read from YAML.
- `topics`, `migrations`, `ddl/`, `rows`: where all of it is kept.
- `json_schema`, `json/`, `examples/`: the contract for other languages, one golden file per version.
"""
