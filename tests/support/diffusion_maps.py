"""Diffusion maps of paths, by a few lines of numpy."""

import numpy as np

from landscape_cli.records.dynamics.diffusion import Diffusion, KernelSums, Null, Onto, Spectrum


def squared_distances(points):
    """Return squared distances between the rows of an array, of shape (n, n)."""
    return ((points[:, None] - points[None]) ** 2).sum(-1)


def diffusion_map(distances2, epsilon, components, alpha=1.0):
    """Return eigenvalues (k + 1,) and coordinates (n, k), the trivial 1 left out of these."""
    kernel = np.exp(-distances2 / epsilon)
    density = kernel.sum(1)
    kernel = kernel / np.outer(density, density) ** alpha
    root = np.sqrt(kernel.sum(1))
    values, vectors = np.linalg.eigh(kernel / np.outer(root, root))
    order = np.argsort(values)[::-1][: components + 1]
    functions = vectors[:, order] / root[:, None]
    functions /= functions[:, :1]
    return values[order], (values[order] * functions)[:, 1:]


def statistics(coordinates, places):
    """Return two numbers that any path has, and one that it need not have."""
    if coordinates.shape[1] < 2:
        return {}
    first, second = coordinates[:, 0], coordinates[:, 1]
    return {
        "time_correlation": abs(np.corrcoef(first, places)[0, 1]),
        "square_correlation": abs(np.corrcoef(second, first**2)[0, 1]),
        "width": float(np.ptp(second) / np.ptp(first)),
    }


def path(count, seed=0, dimension=40):
    """Return a path towards a minimum that slows down, with noise, of shape (n, d)."""
    rng = np.random.default_rng(seed)
    steps = np.exp(-np.linspace(0, 3, count))[:, None] * rng.normal(size=dimension)
    return steps + 0.05 * np.cumsum(rng.normal(size=(count, dimension)), axis=0)


def made_map(
    count=60, trainings=1, components=4, draws=8, onto=0, seed=0, kinds=("walk", "permuted")
):
    """Return a complete record of ``count`` checkpoints of each training, and of their nulls."""
    points = np.concatenate([path(count, seed + k) + 0.3 * k for k in range(trainings)])
    training = np.repeat(np.arange(trainings), count)
    places = np.tile(np.arange(count), trainings)
    distances2 = squared_distances(points)
    epsilon = float(np.median(distances2))
    values, coordinates = diffusion_map(distances2, epsilon, components)
    centred = points - points.mean(0)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    epsilons = epsilon * np.logspace(-3, 3, 40)
    sums = np.array([np.exp(-distances2 / one).sum() for one in epsilons])
    slope = np.gradient(np.log(sums), np.log(epsilons))
    further = None
    if onto:
        at = np.linspace(0, len(points) - 1, onto).astype(int)
        further = Onto(
            tuple(f"further {k}" for k in range(onto)),
            np.where(np.arange(onto)[:, None] == 0, np.nan, 1.1 * coordinates[at]),
            np.full(onto, 0.5),
            at,
            np.full(onto, trainings),
            ("large batch",),
            epochs=np.arange(onto) + 0.5,
        )
    return Diffusion(
        labels=tuple(f"epoch-{k:03d}.pt" for k in places),
        training=training,
        names=tuple(f"seed {k}" for k in range(trainings)),
        parameters=points.shape[1],
        distances2=distances2,
        squares=(points**2).sum(1),
        epsilon=epsilon,
        eigenvalues=values,
        coordinates=coordinates,
        spectra=tuple(
            Spectrum(factor, diffusion_map(distances2, factor * epsilon, components)[0])
            for factor in (0.5, 2.0)
        ),
        kernel=KernelSums(epsilons, sums),
        dimension=float(2 * slope.max()),
        statistics=statistics(coordinates, places),
        nulls=tuple(made_null(kind, points, training, components, draws) for kind in kinds),
        pca=(left * singular)[:, :2],
        explained=(singular**2 / (singular**2).sum())[:2],
        epochs=places.astype(float),
        steps=10.0 * places,
        losses=2.5 * np.exp(-places / (count / 6)) + 1e-3 * (1 + training),
        learning_rates=np.where(places < count // 2, 0.1, 0.01),
        onto=further,
        config={"problem": "a:b"},
        provenance={"network": {"name": "MLP"}},
    )


def made_null(kind, points, training, components, draws):
    """Return the maps of walks with the steps of a path, or with their lengths."""
    rng = np.random.default_rng(len(kind))
    found = []
    for _ in range(draws):
        walk = np.concatenate([_walk(kind, points[training == k], rng) for k in set(training)])
        distances2 = squared_distances(walk)
        epsilon = float(np.median(distances2))
        found.append((epsilon, *diffusion_map(distances2, epsilon, components)))
    epsilons, values, coordinates = zip(*found, strict=True)
    places = np.concatenate([np.arange((training == k).sum()) for k in set(training)])
    numbers = [statistics(one, places) for one in coordinates]
    together = {name: np.array([one[name] for one in numbers]) for name in numbers[0]}
    return Null(kind, 0, np.array(epsilons), np.array(values), coordinates[0], together)


def _walk(kind, points, rng):
    steps = np.diff(points, axis=0)
    if kind == "permuted":
        steps = rng.permutation(steps)
    else:
        random = rng.normal(size=steps.shape)
        random /= np.linalg.norm(random, axis=1, keepdims=True)
        steps = random * np.linalg.norm(steps, axis=1, keepdims=True)
    return np.concatenate([points[:1], points[0] + np.cumsum(steps, axis=0)])
