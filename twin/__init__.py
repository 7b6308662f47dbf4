"""What the twin is: events, images, components and state, without any input or output."""
