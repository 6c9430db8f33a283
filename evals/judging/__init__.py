"""The LLM judge, and what says how far it can be trusted.

- `settings`: a judge as a file. `endpoint`: any endpoint that speaks OpenAI's chat completions; `dialect`: what of it
  an endpoint understands. `spending`: never more than the cap. `cache`: nothing is paid for twice.
- `transcript` and `prompts`: sessions and criteria as data. `answers`: what a judge may answer.
- `llm_judge`: the grader. `pairwise`: two sessions compared, each way round.
- `agreement` and `bias`: judges judged by people's labels; `report`: both as one document.
"""
