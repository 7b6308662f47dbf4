"""The event bus: its port, its codec, and the two that serve it, Kafka and memory."""
