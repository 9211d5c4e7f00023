"""How long each distributed operation takes on P nodes, and how much memory, from formulas and measured constants.

Usage: scaling.py [--constants FILE.json]   prints the tables of docs/scaling.md (Markdown).
Every formula is a function below. Each constant says where it is from: measured here, or assumed of a cluster. Put in your own.
"""

import argparse
import json
import math
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
NODES = [1, 2, 4, 16, 64, 256, 1000]


def node(c, per_core):
    """What a node does when all its cores compute."""
    return c[per_core] * c["cores"] * c["share"]


def sum_seconds(c, nodes, count, size=8):
    """A sum over ranks of count numbers: a rank a node sends and gets 2 (P - 1) / P of them, P - 1 messages each way a segment."""
    if nodes == 1:
        return 0.0
    segments = math.ceil(count / c["segment"])
    return 2 * (nodes - 1) / nodes * count * size / c["network"] + segments * 2 * (nodes - 1) * c["message"] + \
        count * size / c["sum_core"] / nodes


def broadcast_seconds(c, nodes, size):
    """A pipelined tree."""
    return 0.0 if nodes == 1 else size / c["network"] + math.ceil(math.log2(nodes)) * c["latency"]


def eigenvalues_seconds(c, nodes, order):
    """Whoever is soonest done, as the code decides: rank 0 by our own solver below ELPA's toll in nodes, else ELPA on all."""
    return 4 / 3 * order**3 / node(c, "own_eigen_core") if nodes < c["elpa_toll"] else elpa_seconds(c, nodes, order)


def elpa_seconds(c, nodes, order):
    """Two stages, values only: 4/3 n^3 operations at the measured rate; four exchanges a block of columns, and n^2 / sqrt(P) numbers a
    rank. The second stage, n^2 x bandwidth, is within the measured rate on one node and taken to scale as the first."""
    flops = 4 / 3 * order**3
    exchange = 0.0 if nodes == 1 else order / c["eigen_block"] * 4 * math.log2(nodes) * c["latency"] + \
        4 * 8 * order**2 / math.sqrt(nodes) / c["network"]
    return flops / node(c, "eigen_core") / nodes + exchange


def gram(c, nodes, rows, cols, bytes_each=2):
    """Rows read once, cols (cols + 1) operations a row, one sum of the triangle; rank 0 finds the eigenvalues by itself."""
    compute = rows / nodes * cols * cols / node(c, "gemm_core")
    read = rows / nodes * cols * bytes_each / c["disk"]
    return {"rows": max(compute, read), "sum": sum_seconds(c, nodes, cols * (cols + 1) / 2),
            "rank 0 alone": 4 / 3 * cols**3 / node(c, "own_eigen_core"), "memory": 3 * 8 * cols * cols}


def count(c, nodes, tokens, order):
    """Every n-gram goes to the rank of its context (4 bytes a token), where it is sorted, spilled and merged."""
    own = tokens / nodes
    exchange = 0.0 if nodes == 1 else own * 4 * order * (nodes - 1) / nodes / c["network"] + \
        own * 4 * order / (16 << 20) * (nodes - 1) * c["message"]
    spilled = 2 * own * 16 / c["disk"]  # written and read again once, what memory does not hold
    return {"counting": max(own * c["count_token"] / c["cores"] / c["share"], spilled), "exchange": exchange, "memory": 6.4e10}


def entries_of(c, tokens):
    return tokens * c["coupled_share"] * c["entries_row"]


def exact_spectrum(c, nodes, vocabulary, tokens):
    """R^T R, each rank its rows, summed some rows of it at a time to those who own them; then the eigenvalues."""
    own = entries_of(c, tokens) / nodes
    products = own * c["entries_row"] * c["sparse_entry"] / c["cores"] / c["share"]
    panels = 0.0 if nodes == 1 else 8 * vocabulary**2 * (nodes - 1) / nodes / c["network"] + \
        vocabulary / c["panel"] * (nodes - 1) * c["message"]
    return {"products": products, "sums": panels, "eigenvalues": eigenvalues_seconds(c, nodes, vocabulary),
            "memory": (16 if nodes < c["elpa_toll"] else 28 / nodes) * vocabulary**2 + 24 * own + (32 << 20)}


def products_of(c, nodes, vocabulary, tokens, vectors, block):
    """Top-k or density: vectors products with A^T A, a block at a time: sent to all, multiplied by own rows there and back, summed;
    rank 0 keeps them orthogonal."""
    own = entries_of(c, tokens) / nodes
    blocks = math.ceil(vectors / block)
    compute = 2 * own * block * c["sparse_entry"] / c["cores"] / c["share"]
    exchange = broadcast_seconds(c, nodes, 8 * vocabulary * block) + sum_seconds(c, nodes, vocabulary * block)
    return {"products": blocks * compute, "exchange": blocks * exchange,
            "rank 0 alone": 4 * vocabulary * vectors * 128 / node(c, "gemm_core"), "memory": 12 * own + 8 * vocabulary * 500}


def training_step(c, nodes, parameters, batch_tokens, size=4):
    """6 N operations a token. Half of the exchange is the gradients', of which a measured share hides behind the backward pass, two thirds
    of the computing; never more than that lasts."""
    compute = 6 * parameters * batch_tokens / nodes / node(c, "train_core")
    exchange = sum_seconds(c, nodes, parameters, size)
    hidden = min(c["hidden_share"] * exchange / 2, compute * 2 / 3)
    optimizer = parameters / nodes * 28 / c["memory_bandwidth"]
    return {"computing": compute, "exchange that shows": exchange - hidden, "optimizer": optimizer,
            "memory": parameters * size * (2 + 2 / nodes) + batch_tokens / nodes * 64000}


def sweep(c, nodes, units, unit_seconds):
    """Units of equal length, handed out as ranks become free."""
    return {"units": math.ceil(units / nodes) * unit_seconds, "handing out": units * c["unit_overhead"] / min(nodes, units),
            "memory": 0}


def spoken(seconds):
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def sized(size):
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size / 1e3:.3g} kB"


def table(title, run, nodes=NODES):
    print(f"\n**{title}**\n")
    first = run(nodes[0])
    parts = [name for name in first if name != "memory"]
    print("| nodes | " + " | ".join(parts) + " | in all | efficiency | memory a node |")
    print("|---|" + "---|" * (len(parts) + 3))
    alone = sum(first[name] for name in parts) * nodes[0]
    for p in nodes:
        cost = run(p)
        total = sum(cost[name] for name in parts)
        print(f"| {p:,} | " + " | ".join(spoken(cost[name]) for name in parts) +
              f" | {spoken(total)} | {100 * alone / (p * total):.0f} % | {sized(cost['memory'])} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--constants", default=str(HERE / "scaling.json"))
    given = parser.parse_args()
    constants = json.loads(pathlib.Path(given.constants).read_text(encoding="utf-8"))
    c = {name: entry["value"] for name, entry in constants.items() if not name.startswith("_")}
    pile = c["pile_tokens"]
    table("Second moments of a 7B model's last hidden states (4,096 wide, bf16) over a billion tokens",
          lambda p: gram(c, p, 1e9, 4096))
    table("Counting the Pile's 5-grams (300 billion tokens)", lambda p: count(c, p, pile, 5))
    table("The exact spectrum of the Pile's 5-gram matrix, V = 50,254", lambda p: exact_spectrum(c, p, 50254, pile))
    table("The density of the same matrix: 1,000 products in blocks of 32", lambda p: products_of(c, p, 50254, pile, 1000, 32))
    table("A step of training 162 million parameters, 2,097,152 tokens a step (as Pythia)",
          lambda p: training_step(c, p, 162e6, 2097152))
    table("A sweep of 300 trainings of 20 minutes", lambda p: sweep(c, p, 300, 1200))


if __name__ == "__main__":
    main()
