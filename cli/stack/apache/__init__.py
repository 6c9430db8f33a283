"""Apache Kafka itself on this machine: its jars by Maven, one or three KRaft nodes, their data kept."""
