"""Alerts without Grafana: which findings are told to whom, when, and how it is made sure that they arrive.

`book` decides and knows no clock, store or network; `router` keeps what it decides and has it delivered.
"""
