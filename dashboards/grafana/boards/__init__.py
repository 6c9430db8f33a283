"""The dashboards: each module tells its panels in the order in which they stand."""
