"""How the world reaches the twin: Kafka, Redis, servers and the command line."""
