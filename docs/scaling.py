"""How long each distributed operation takes on P nodes, and how much memory, from formulas and measured constants.

Usage: scaling.py [--measured FILE.json] [--node NAME]   prints the tables of docs/scaling.md (Markdown).
Every formula is a function below; constants are of two kinds: `measured` on the machine named in the file, and `assumed` of a cluster's
nodes and network. What was measured and what was modelled is said in the last column of each table.
"""

import argparse
import json
import math
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
NODES = [1, 2, 4, 16, 64, 256, 1000]


def sum_seconds(c, nodes, count, size=8):
    """A sum over ranks of count numbers, in segments: each rank sends and gets 2 (P - 1) / P of it, P - 1 messages each way a segment."""
    if nodes == 1:
        return 0.0
    segments = math.ceil(count / c["segment"])
    return 2 * (nodes - 1) / nodes * count * size / c["network"] + segments * 2 * (nodes - 1) * c["message"] + count * size / c["add"]


def broadcast_seconds(c, nodes, size):
    """A pipelined tree."""
    return 0.0 if nodes == 1 else size / c["network"] + math.ceil(math.log2(nodes)) * c["latency"]


def gram(c, nodes, rows, cols, bytes_each=2):
    """Hidden states: read once, cols^2 multiply-adds a row (upper triangle), one sum of the triangle."""
    compute = rows / nodes * cols * cols / c["gemm_f64"]
    read = rows / nodes * cols * bytes_each / c["disk"]
    triangle = cols * (cols + 1) / 2
    return {"compute": max(compute, read), "network": sum_seconds(c, nodes, triangle),
            "memory": 3 * 8 * cols * cols, "alone": eigenvalues_seconds(c, 1, cols)}


def eigenvalues_seconds(c, nodes, order):
    """Two-stage, values only: 4/3 n^3 flops at the rate of large eigenproblems, bulge chasing and the tridiagonal's share n^2 each."""
    flops = 4 / 3 * order**3
    rate = c["eigen_node"] * nodes / (1 + nodes * c["eigen_loss"] * (20000 / order) ** 2)
    exchange = 0.0 if nodes == 1 else (order / c["eigen_block"]) * 4 * math.log2(nodes) * c["latency"] + \
        4 * 8 * order**2 / math.sqrt(nodes) / c["network"]
    return flops / rate + exchange


def count(c, nodes, tokens, distinct_share, order):
    """Own tokens counted (sort, spill, merge), distinct n-grams sent to the rank of their context and merged there."""
    own = tokens / nodes
    distinct = own * distinct_share
    record = 2 * order + 8
    sent = distinct * record * (nodes - 1) / nodes
    exchange = 0.0 if nodes == 1 else sent / c["network"] + math.ceil(sent / c["round"]) * (nodes - 1) * c["message"] + \
        distinct * c["merge_ngram"]
    return {"compute": own * c["count_token"], "network": exchange, "memory": c["count_memory"], "disk": distinct * record}


def matrix_rows(c, tokens, coupled_share, entries_row):
    """Rows with several successors (equal ones merged), and their entries."""
    rows = tokens * coupled_share
    return rows, rows * entries_row


def exact_spectrum(c, nodes, vocabulary, tokens, coupled_share, entries_row):
    """R^T R panel by panel (each rank its rows, the panel summed to its owners), then the eigenvalues."""
    _, entries = matrix_rows(c, tokens, coupled_share, entries_row)
    products = entries / nodes * entries_row * c["sparse_entry"]
    panels = 0.0 if nodes == 1 else 8 * vocabulary**2 / c["network"] + (vocabulary / c["panel"]) * (nodes - 1) * c["message"]
    return {"compute": products, "network": panels, "eigenvalues": eigenvalues_seconds(c, nodes, vocabulary),
            "memory": 2 * 8 * vocabulary**2 / nodes + 12 * entries / nodes + 8 * vocabulary * c["panel"]}


def product_steps(c, nodes, vocabulary, tokens, coupled_share, entries_row, vectors, block):
    """Top-k or density: vectors products with A^T A, a block at a time: broadcast, own rows twice, sum."""
    _, entries = matrix_rows(c, tokens, coupled_share, entries_row)
    blocks = math.ceil(vectors / block)
    own = 2 * entries / nodes * block * c["sparse_entry"]
    exchange = broadcast_seconds(c, nodes, 8 * vocabulary * block) + sum_seconds(c, nodes, vocabulary * block)
    root = 2 * vocabulary * block * min(vectors, 300) / c["gemm_f64_core"]
    return {"compute": blocks * own, "network": blocks * exchange, "rank 0 alone": blocks * root,
            "memory": 12 * entries / nodes + 8 * vocabulary * 400}


def training_step(c, nodes, parameters, batch_tokens, bytes_each=4):
    """6 N flops a token; gradients reduced and parameters gathered, over the network while the backward pass computes."""
    compute = 6 * parameters * batch_tokens / nodes / c["train"]
    exchange = sum_seconds(c, nodes, parameters, bytes_each)
    hidden = min(exchange / 2, compute * 2 / 3)  # the reduction, under the backward pass; the gathering is not hidden
    optimizer = parameters / nodes * 20 / c["memory_bandwidth"]
    return {"compute": compute + optimizer, "network": exchange - hidden,
            "memory": parameters * (8 + 8 / nodes) + batch_tokens / nodes * 4000}


def sweep(c, nodes, units, unit_seconds, spread=0.5):
    """Units handed out as ranks become free: the last one to end decides."""
    rounds = units / nodes
    return {"compute": max(rounds * unit_seconds, unit_seconds) + (unit_seconds * spread if rounds > 1 else 0.0),
            "network": math.ceil(rounds) * 2 * c["ticket"], "memory": 0}


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
    parts = [name for name in first if name != "memory" and name != "disk"]
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
    parser.add_argument("--measured", default=str(HERE / "scaling.json"))
    given = parser.parse_args()
    constants = json.loads(pathlib.Path(given.measured).read_text(encoding="utf-8"))
    c = {name: entry["value"] for name, entry in constants.items() if not name.startswith("_")}
    pile = c["pile_tokens"]
    table("Gram of hidden states: a 7B model's last layer (4,096 wide, bf16) over a billion tokens",
          lambda p: gram(c, p, 1e9, 4096))
    table("5-grams of the Pile (300 billion tokens): counting", lambda p: count(c, p, pile, c["distinct_share"], 5))
    table("The Pile's 5-gram matrix, V = 50,254: the exact spectrum",
          lambda p: exact_spectrum(c, p, 50254, pile, c["coupled_share"], c["entries_row"]))
    table("The same matrix: its density, 1,000 products in blocks of 32",
          lambda p: product_steps(c, p, 50254, pile, c["coupled_share"], c["entries_row"], 1000, 32))
    table("One step of training a 160M-parameter model, 2M tokens a step (as Pythia)",
          lambda p: training_step(c, p, 162e6, 2097152))
    table("A sweep of 300 trainings of 20 minutes", lambda p: sweep(c, p, 300, 1200))


if __name__ == "__main__":
    main()
