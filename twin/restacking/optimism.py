"""By how much a stack in force looks too good on the pictures that it was fitted to."""

from twin.stacks import StackVersion


def optimism(champion: StackVersion, base: StackVersion, pictures: float) -> float:
    """Return by how much the champion's log-loss is too small there, in nats.

    Akaike's correction: a parameter over the number of labels each (Akaike 1974, "A new look at
    the statistical model identification"); the parameters of an L1 fit are its weights other than
    zero (Zou, Hastie & Tibshirani 2007). Without it a re-stack would seem perfect for ever on what
    it was fitted to, and a better one, tried on folds that it has not seen, would not be proposed.

    Parameters:
        base: version 0, which has seen training images alone.
        pictures: independent pictures with a label.
    """
    meta = champion.meta
    if meta.stacks == base.meta.stacks or pictures <= 0.0:
        return 0.0
    weights = meta.weights_for(meta.learners).weights.values()
    return (1 + sum(weight != 0.0 for weight in weights)) / pictures
