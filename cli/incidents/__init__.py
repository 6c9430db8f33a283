"""Reports on incidents: what is stored about one, as a document that people complete.

`gathering` brings the rows, `report` makes figures and a timeline of them, `markdown` and `page` write them down.
"""
