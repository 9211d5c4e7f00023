"""Goldens of unimodal regression, rank correlation and scaling laws: writes saturation.json. Needs numpy and scipy 1.12."""
import json
import pathlib

import numpy as np
from scipy.optimize import isotonic_regression, least_squares
from scipy.stats import spearmanr

rng = np.random.default_rng(20)
FOLDER = pathlib.Path(__file__).parent


def falling(values, weights):
    return isotonic_regression(values, weights=weights, increasing=False).x if len(values) else np.array([])


def rising(values, weights):
    return isotonic_regression(values, weights=weights, increasing=True).x if len(values) else np.array([])


def unimodal(values, weights):
    """Every split by itself; of equal ones the latest."""
    squares = lambda fit: float(np.sum(weights * (values - fit) ** 2))
    plain = squares(falling(values, weights))
    best = (len(values), falling(values, weights))
    for split in range(len(values) - 1, -1, -1):
        fit = np.concatenate([falling(values[:split], weights[:split]), rising(values[split:], weights[split:])])
        if squares(fit) < squares(best[1]) - 1e-12:
            best = (split, fit)
    return {"values": list(values), "weights": list(weights), "split": best[0], "fit": list(best[1]),
            "lessened": plain - squares(best[1])}


def regressions():
    cases = []
    for count in (1, 2, 3, 8, 30, 120):
        x = np.arange(count) / count
        for shape in (np.zeros(count), -x, x, np.abs(x - 0.6), np.sin(9 * x)):
            cases.append(unimodal(shape + 0.2 * rng.standard_normal(count), rng.uniform(0.5, 2, count)))
    return cases


def correlations():
    cases = []
    for count in (8, 25, 100):
        x = rng.standard_normal(count)
        y = 0.5 * x + rng.standard_normal(count)
        for a, b in ((x, y), (np.round(x), np.round(y)), (x, -x)):
            cases.append({"x": list(a), "y": list(b), "spearman": float(spearmanr(a, b).statistic)})
    return cases


def law(at, n, t):
    return np.exp(at[0] - at[1] * np.log(n)) + np.exp(at[2] - at[3] * np.log(t)) + np.exp(at[4])


def scaling():
    """All five constants, from the planted ones: scipy's Huber loss is the library's, but for the factor."""
    cases = []
    true = [np.log(406.4), 0.34, np.log(410.7), 0.28, np.log(1.69)]
    for noise, huber in ((0.003, 1e-3), (0.01, 0.05)):
        n = 10 ** rng.uniform(7.5, 10.2, 60)
        t = n * 10 ** rng.uniform(0.5, 2.2, 60)
        loss = law(true, n, t) * np.exp(noise * rng.standard_t(4, 60))
        residual = lambda at: np.log(loss) - np.log(law(at, n, t))
        found = least_squares(residual, true, loss="huber", f_scale=huber, x_scale="jac", xtol=1e-15, ftol=1e-15, gtol=1e-15,
                              max_nfev=20000)
        size = np.abs(residual(found.x))
        objective = float(np.mean(np.where(size <= huber, size**2 / 2, huber * (size - huber / 2))))
        a, alpha, b, beta, e = found.x
        cases.append({"n": list(n), "t": list(t), "loss": list(loss), "huber": huber, "objective": objective,
                      "law": [float(np.exp(a)), float(alpha), float(np.exp(b)), float(beta), float(np.exp(e))]})
    return cases


golden = {"unimodal": regressions(), "spearman": correlations(), "scaling": scaling()}
(FOLDER / "saturation.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
