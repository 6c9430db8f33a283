"""Interactions out of the store and out of recordings, and the list of sessions that ended.

- `reader`: `InteractionReader` reads many sessions in a few queries. `statements`: its queries.
- `assembling`: one interaction from a session's rows; `transcript`: who said what; `messages`: a message in whichever
  form a model client takes; `escalation`: whether a person took over.
- `recordings`: interactions from recorded sessions in the neutral form.
"""
