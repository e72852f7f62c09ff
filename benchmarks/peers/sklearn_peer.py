"""scikit-learn on request: python benchmarks/peers/sklearn_peer.py; requests as in benchmarks/protocol.py.

Dense networks with one activation in all hidden layers; its regression output is always linear.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from sklearn.neural_network import MLPClassifier, MLPRegressor  # noqa: E402

from benchmarks.protocol import Answer, Request, load_pair, seconds_of, serve, timed_epochs  # noqa: E402

NAMES = {"relu": "relu", "tanh": "tanh", "sigmoid": "logistic", "linear": "identity"}


def estimator(spec: dict[str, Any], training: dict[str, Any]) -> Any:
    layers, item = spec["layers"], training["optimizer"]
    hidden = {layer.get("activation") for layer in layers[:-1]}
    if {layer["kind"] for layer in layers} != {"Dense"} or len(hidden) != 1 or not hidden <= set(NAMES):
        raise ValueError("scikit-learn has dense layers with one activation only.")
    if item["kind"] not in ("SGD", "Adam"):
        raise ValueError("scikit-learn has SGD and Adam only.")
    kinds = {"softmax_cross_entropy": MLPClassifier, "mean_squared_error": MLPRegressor}
    return kinds[spec["loss"]](
        hidden_layer_sizes=[layer["units"] for layer in layers[:-1]], activation=NAMES[hidden.pop()],
        solver=item["kind"].lower(), alpha=0.0,
        batch_size=training["batch_size"], learning_rate_init=item["learning_rate"], momentum=item.get("momentum", 0.9),
        nesterovs_momentum=False, random_state=7, tol=0.0, n_iter_no_change=10**9, max_iter=1,
    )  # fmt: skip


def train(request: Request) -> Answer:
    started = time.perf_counter()
    x, y = load_pair(request, (-1,))
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    model = estimator(request["spec"], request["training"])
    began = time.perf_counter()
    model.fit(x, y)
    one = time.perf_counter() - began
    model.set_params(max_iter=max(1, int(0.25 / one)), warm_start=True)

    def epochs() -> tuple[int, float]:
        before = model.t_
        model.fit(x, y)
        return model.t_ - before, float(model.loss_)

    return timed_epochs(epochs, seconds_of(request), started)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    serve(train)
