"""Workers of a comparison: each library in a process of its own, asked a line at a time (see worker.py, model_worker.py)."""

import json
import os
import select
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
        self.command, self.environment = [sys.executable, os.path.join(HERE, script), name, folder], environment
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=self.environment)
        self.operations = json.loads(self.process.stdout.readline())

    def run(self, operation, subject, limit=None):
        """The answer; None when there is none within so many seconds, and then the process is another one."""
        time.sleep(0.5)  # the threads of whoever went before may still be spinning for more work
        self.process.stdin.write(f"{operation} {subject}\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], limit)[0]:
            self.process.kill()
            self.process.wait()
            self.start()
            return None
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


SLOW = 30  # seconds; who takes longer runs once


def take_turns(workers, runs, rounds, limit=None):
    """runs: (worker, operation, subject). Answers of every round, turn by turn, after one uncounted round; and the most memory
    each took in any round, the uncounted one too: later ones reuse what it took. Of those that are slow the first round is all there
    is, and counts; those that do not answer within the limit have no answers."""
    answers, memory = {run: [] for run in runs}, {run: 0 for run in runs}
    once = set()
    for turn in range(rounds + 1):
        for run in runs:
            if run in once:
                continue
            answer = workers[run[0]].run(*run[1:], limit)
            if not answer:
                once.add(run)
                continue
            memory[run] = max(memory[run], answer["extra_bytes"])
            if answer["seconds"] > SLOW:
                once.add(run)
            if turn or run in once:
                answers[run].append(answer)
    return answers, memory
