"""scikit-learn's classifier with v0's layers, as its users train it."""

from __future__ import annotations

import numpy as np
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from benchmarks.contestants.ours import images_of
from benchmarks.spec import Spec


class ScikitLearn:
    """MLPClassifier on float32 pixels of 0 to 1; a turn is one epoch over as many images as its steps take."""

    def __init__(self, spec: Spec) -> None:
        train = images_of(spec).train
        self._images = train.images.reshape(len(train), -1).astype(np.float32) / np.float32(255)
        self._labels = train.labels
        self._batch_size = spec.batch_size
        threadpool_limits(spec.threads, user_api="blas")
        self._model = MLPClassifier((300, 100), solver="sgd", batch_size=spec.batch_size)
        self._classes = np.arange(10)

    def turn(self, amount: int) -> None:
        """So many steps."""
        count = amount * self._batch_size
        while count > 0:
            part = min(count, len(self._labels))
            self._model.partial_fit(self._images[:part], self._labels[:part], classes=self._classes)
            count -= part
