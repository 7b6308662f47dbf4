"""How an image was taken, where that differs from what the stack learned from."""
