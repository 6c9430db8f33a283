"""One session as a record: read from ClickHouse, assembled, its texts found and checked. Only `reading` asks it."""
