"""Workers of a comparison: each library in a process of its own, asked a line at a time (see worker.py, model_worker.py)."""

import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))


class Worker:
    def __init__(self, script, name, folder):
        environment = dict(os.environ)
        if name != "softneck":  # the peers bring a BLAS of their own, which knows this CPU better than a setting made for ours
            environment.pop("OPENBLAS_CORETYPE", None)
            environment.pop("OPENBLAS_L2_SIZE", None)
        for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):  # as many as ours
            environment.setdefault(threads, str(len(os.sched_getaffinity(0))))
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, script), name, folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )
        self.operations = json.loads(self.process.stdout.readline())

    def run(self, operation, subject):
        time.sleep(0.5)  # the threads of whoever went before may still be spinning for more work
        self.process.stdin.write(f"{operation} {subject}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


SLOW = 30  # seconds; who takes longer runs once


def take_turns(workers, runs, rounds):
    """runs: (worker, operation, subject). Answers of every round, turn by turn, after one uncounted round; and the most memory
    each took in any round, the uncounted one too: later ones reuse what it took. Of those that are slow the first round is all there
    is, and counts."""
    answers, memory = {run: [] for run in runs}, {run: 0 for run in runs}
    for turn in range(rounds + 1):
        for run in runs:
            if turn and answers[run] and answers[run][0]["seconds"] > SLOW:
                continue
            answer = workers[run[0]].run(*run[1:])
            memory[run] = max(memory[run], answer["extra_bytes"])
            if turn or answer["seconds"] > SLOW:
                answers[run].append(answer)
    return answers, memory
