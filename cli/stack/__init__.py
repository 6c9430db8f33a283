"""The local stack: a broker, ClickHouse's engine behind its HTTP interface, a worker, and who keeps them alive."""
