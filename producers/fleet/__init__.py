"""A simulated fleet: agents with goals, tools and a scripted model, which use the recorder as a user would.

Everything but the model is real: the tools are functions over small worlds in memory, the loop is the loop that an
agent has, the recorder is the one that ships. The model is a script, so that who misbehaves, and how, is declared
(`scenario`) and can be compared with what the pipeline found. What was injected is written down here (`ledger`) and
never travels with the events.
"""
