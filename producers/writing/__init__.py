"""From what the host handed over to records: the cheap copy, the queue, the sender's thread, canonical lines.

Only `encoding` and `hostqueue` run in the host's thread; everything else runs in the sender's.
"""
