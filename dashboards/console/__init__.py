"""The console: a local web page of what agents did, what was found, and what can be done about it.

- `app`: the whole application; `gate`: who may ask at all; `visit`: one question and its answer.
- `pages/`: one module a page, found by themselves; `README.md` tells how to add one. `templates/` and `static/`: how
  they look.
- `sources`: what the pages read and do, as protocols; `watchkeeper.cli.console` fills them in.
- `charts`, `panels`: the dashboards' own panels, drawn on the server.
"""
