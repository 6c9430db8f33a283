"""Drift: whether a stream of scores is still what it was, told with a stated rate of false alarms. Pure Python.

`baseline` says what was, with its error; `watch` folds one score after another and says when it is no longer so;
`effect` and `segments` say since when, by how much and where; `family` holds many watches to one promise; `ranks` makes
numbers without bounds into scores; `mix` watches what categories a stream consists of.
"""
