"""How well clusters of embeddings match their labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weightlab.lazy import np

if TYPE_CHECKING:
    from weightlab.retrieval.ties import Array

__all__ = ["mutual_information"]


def mutual_information(rows: Array, classes: Array, seed: int) -> float:
    """Normalised mutual information of labels, int64 [n], and as many k-means clusters of embeddings [n, D]; [0, 1].

    k-means of scikit-learn, from one k-means++ start; the mean of both entropies normalises.
    """
    import warnings

    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.metrics import normalized_mutual_info_score

    means = KMeans(n_clusters=len(np.unique(classes)), n_init=1, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of a collapse: fewer different rows than clusters
        found = means.fit_predict(rows)
    return float(normalized_mutual_info_score(classes, found))
