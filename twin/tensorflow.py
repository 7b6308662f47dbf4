"""One way to import TensorFlow: quick, quiet, and with the same bits on every run."""

import os
import sys
from typing import Any

from twin.errors import InvariantError


def import_tensorflow() -> Any:  # noqa: ANN401 - TensorFlow ships no types
    """Import TensorFlow on one thread; the first import takes seconds.

    TensorFlow reads these variables while it is imported and offers no other switch. Without
    Keras it imports in less than half the time; oneDNN picks kernels, and so last bits, by the
    processor's family and by its own settings, so it is off whatever the caller's environment
    says (law 5).

    Raises:
        InvariantError: TensorFlow already runs in this process with several threads.
    """
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
    import tensorflow as tf

    threading = tf.config.threading
    intra = threading.get_intra_op_parallelism_threads()
    inter = threading.get_inter_op_parallelism_threads()
    if (intra, inter) != (1, 1):
        try:
            threading.set_intra_op_parallelism_threads(1)
            threading.set_inter_op_parallelism_threads(1)
        except RuntimeError as error:
            raise InvariantError(
                f"TensorFlow already runs in this process on {intra} × {inter} threads, not one"
            ) from error
    return tf


def import_tensorflow_for_training(threads: int) -> Any:  # noqa: ANN401 - as above
    """Import TensorFlow for a process that does nothing but train a network.

    On `threads` threads and with oneDNN, which on two cores take a third of the time. Same seed,
    threads, machine and release give the same bits; another machine's may differ. What such a
    process leaves is arrays; answers that must not differ come from `import_tensorflow`.

    Raises:
        InvariantError: TensorFlow already runs in this process.
    """
    if "tensorflow" in sys.modules:
        raise InvariantError("TensorFlow already runs in this process: training needs its own")
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    return tf
