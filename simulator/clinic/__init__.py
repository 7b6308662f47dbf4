"""The clinic in time: arrivals, nodes, staff and queues on SimPy."""
