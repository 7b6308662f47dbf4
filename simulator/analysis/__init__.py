"""From what happened to what it means: metrics, intervals, warm-up, theory, gates."""
