"""Fine-tunes the baseline in a process of its own.

The twin's TensorFlow runs on one thread with kernels that give the same bits anywhere (law 5), and
a process has one TensorFlow. Training may use all cores and the processor's own kernels, so it
runs apart: references and arrays go in, arrays come back, after every epoch.
"""

import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.image_store import FileReader
from twin.errors import DataError, DependencyError, DermtwinError
from twin.images import FileRef
from twin.imaging import Imaging
from twin.mobilenet.architecture import blocks_before
from twin.mobilenet.fine_tuning import FineTuning, State
from twin.mobilenet.network import MobileNet
from twin.mobilenet.tuned import Epoch, Tuned, TuningSettings
from twin.mobilenet.views import VIEWS, view
from twin.mobilenet.weights import MobileNetWeights
from twin.tensorflow import import_tensorflow_for_training
from twin.training import Progress

OnEpoch = Callable[[Epoch, State], None]

_STOP_S: Final = 5.0  # from asking the process to end until it is killed: assumption


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningOrder:
    """What the process is to do."""

    root: Path  # the data directory
    images: tuple[FileRef, ...]  # of the training part
    malignant: tuple[bool, ...]
    groups: tuple[str, ...]  # images of one lesion share one
    weights: MobileNetWeights
    settings: TuningSettings
    seed: int
    threads: int  # bits depend on them


def tune(
    order: TuningOrder,
    state: Mapping[str, NDArray[Any]] | None,
    on_epoch: OnEpoch,
    on_progress: Progress,
) -> Tuned:
    """Fine-tune MobileNetV2, from a state if there is one.

    Parameters:
        state: what an earlier call handed to `on_epoch`, for the same order.
        on_epoch: is given each epoch and the state after it. Whoever keeps the state can go on
            from there; activations of the frozen blocks are computed again.
        on_progress: is told stage ("frozen blocks", "epochs"), done, total.

    Raises:
        DependencyError: the process died.
        DataError, ImageError, InvariantError: as raised there.
    """
    context = multiprocessing.get_context("spawn")  # a fork would share TensorFlow's threads
    here, there = context.Pipe(duplex=False)
    process = context.Process(
        target=_work, args=(order, state, there), name="baseline", daemon=True
    )
    process.start()
    there.close()  # so that the pipe ends when the process does
    try:
        while True:
            kind, *content = _received(here)
            if kind == "progress":
                on_progress(*content)
            elif kind == "epoch":
                on_epoch(*content)
            elif kind == "failed":
                raise content[0]
            else:
                tuned: Tuned = content[0]
                return tuned
    finally:
        here.close()
        process.terminate()  # what is still wanted of it has been sent
        process.join(_STOP_S)
        if process.is_alive():
            process.kill()
            process.join()


def _received(here: Connection) -> Sequence[Any]:
    try:
        message: Sequence[Any] = here.recv()
    except (EOFError, OSError) as error:
        raise DependencyError("the process that fine-tunes the baseline died") from error
    return message


def _work(order: TuningOrder, state: Mapping[str, NDArray[Any]] | None, there: Connection) -> None:
    """Do what is ordered, and send what comes of it; runs in the process."""
    # Ctrl-C goes to both processes; the parent decides, and ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with _quiet():
            tf = import_tensorflow_for_training(order.threads)

        def tell(stage: str, done: int, total: int) -> None:
            there.send(("progress", stage, done, total))

        tuning = FineTuning(
            tf,
            _front(tf, order, tell),
            np.array(order.malignant),
            order.groups,
            order.weights,
            order.settings,
            order.seed,
            state,
        )
        tell("epochs", len(tuning.curve), order.settings.epochs)
        for epoch in tuning.epochs():
            there.send(("epoch", epoch, tuning.state()))
            tell("epochs", epoch.number, order.settings.epochs)
        tell("epochs", order.settings.epochs, order.settings.epochs)
        there.send(("done", tuning.result()))
    except BrokenPipeError:
        return  # nobody waits any more
    except DermtwinError as error:
        there.send(("failed", error))
    except Exception:  # noqa: BLE001  whatever it is, the other side must hear of it
        there.send(("failed", DependencyError(f"fine-tuning failed: {traceback.format_exc()}")))


def _front(tf: Any, order: TuningOrder, on_progress: Progress) -> NDArray[np.float16]:  # noqa: ANN401
    """Return the frozen blocks' output, shape (n, views, size, size, channels).

    Half precision keeps eleven bits and takes 50 kB an image and view from block_6 on: 1 GB for
    the paper's training part.
    """
    imaging = Imaging(FileReader(order.root))
    name = blocks_before(order.settings.first_trained)[-1].output
    look = MobileNet(order.weights, tf).looking([name])

    def views(ref: FileRef) -> NDArray[np.float16]:
        pixels = imaging.pixels(ref)
        found = [look(view(pixels, number))[0] for number in range(VIEWS)]
        return np.stack(found).astype(np.float16)

    front: NDArray[np.float16] | None = None
    with ThreadPoolExecutor(order.threads, thread_name_prefix="frozen") as pool:
        for place, found in enumerate(pool.map(views, order.images)):
            if front is None:
                front = np.empty((len(order.images), *found.shape), np.float16)
            front[place] = found
            on_progress("frozen blocks", place + 1, len(order.images))
    if front is None:
        raise DataError("training data", "no images")
    return front


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep standard error shut: TensorFlow greets there, before it can be told not to."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
