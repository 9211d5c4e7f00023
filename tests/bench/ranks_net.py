"""How much of a training's exchange of gradients hides behind its backward pass, on two hosts with a link of so many Mbit/s each way.

Usage: ranks_net.py PROGRAM [MBIT...]; PROGRAM is BUILD/bench/ranks. Takes root: hosts are network namespaces, links are slowed by tc.
"""

import json
import os
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "mpi"))
from hosts import Hosts, environment, run  # noqa: E402


def steps(hosts, program, mbit):
    for name in hosts.names:
        subprocess.run(["tc", "-n", name, "qdisc", "del", "dev", "net0", "root"], capture_output=True, check=False)
        if mbit:
            run("tc", "-n", name, "qdisc", "add", "dev", "net0", "root", "tbf", "rate", f"{mbit}mbit", "burst",
                f"{max(64, mbit)}kb", "latency", "20ms")
    done = subprocess.run(hosts.command(2, program, "model"), capture_output=True, text=True, check=True, env=environment())
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def main():
    program, *links = sys.argv[1:]
    print("| link | step | with sums kept back | sums that show | kept back | hidden | spreads |\n|---|---|---|---|---|---|---|")
    with Hosts(2) as hosts:
        for mbit in map(int, links or ["100", "300", "1000", "0"]):
            rows = steps(hosts, os.path.abspath(program), mbit)
            early, late = ({name: statistics.median(row[name] for row in rows if row["late"] == kept)
                            for name in ("step", "sums", "spreads")} for kept in (0, 1))
            print(f"| {str(mbit) + ' Mbit/s' if mbit else 'memory'} | {early['step']:.2f} s | {late['step']:.2f} s | "
                  f"{1e3 * early['sums']:.0f} ms | {1e3 * late['sums']:.0f} ms | {1 - early['sums'] / late['sums']:.0%} | "
                  f"{1e3 * early['spreads']:.0f} ms |", flush=True)


if __name__ == "__main__":
    main()
