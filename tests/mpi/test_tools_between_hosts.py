"""Tools on separate hosts: what they print is what one process prints; a training whose rank is killed, or whose link is cut, says so in
time, and resumes without a lost step."""

import json
import os
import signal
import subprocess
import unittest

from hosts import environment
from many import BUILD, DATA, LIMIT, TEXT, ManyRanks
from test_hosts import WHY_NOT, OnHosts

HEADS = os.path.join(DATA, "hybridstories")
SETTINGS = ("--text", TEXT, "--vocab-size", "400", "--layers", "1", "--hidden-size", "32", "--heads", "2", "--context", "32", "--batch", "3",
            "--steps", str(10**9), "--warmup", "0", "--checkpoint-every", "200", "--evaluate-every", "50",
            "--evaluation-windows", "7", "--save-every", "5", "--monitor-every", "100")


def tool(name):
    return os.path.join(BUILD, "mpi", name)


@unittest.skipIf(WHY_NOT, WHY_NOT)
class ToolsBetweenHosts(OnHosts, ManyRanks):
    def on_hosts(self, name, *arguments):
        done = subprocess.run(self.hosts.command(3, tool(name), *arguments), capture_output=True, text=True, timeout=LIMIT, check=False,
                              env=environment())
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def alone(self, name, *arguments):
        return subprocess.run([tool(name), *arguments], capture_output=True, text=True, timeout=LIMIT, check=True,
                              env=environment()).stdout

    def test_they_print_what_one_process_prints(self):
        # Effective ranks take in values below the rounding of their squares, which n-grams on ranks are known by.
        for name, tolerance, arguments in (
                ("neck-spectrum", 1e-12, ("--json", "--quiet", HEADS)),
                ("neck-ngram", 1e-6, ("--json", "--quiet", "--exact", "--order", "3", "--tokenizer", "words", TEXT))):
            with self.subTest(name):
                one = [json.loads(line) for line in self.alone(name, *arguments).splitlines()]
                many = [json.loads(line) for line in self.on_hosts(name, *arguments).splitlines()]
                for row in one + many:
                    for key in [key for key in row if key.endswith("seconds")]:
                        del row[key]
                self.agree(one, many, tolerance)

    def losses(self, run):
        with open(self.path(run + "/log.jsonl"), encoding="utf-8") as file:
            return {row["step"]: row["loss"] for row in map(json.loads, file) if row.get("loss") is not None}

    def wait_for_steps(self, process, run, count):
        self.until(lambda: os.path.exists(self.path(run + "/log.jsonl")) and self.logged(run) > count, process)

    def logged(self, run):
        """Whole lines, of steps 0, 1, ..."""
        with open(self.path(run + "/log.jsonl"), "rb") as file:
            return file.read().count(b"\n")

    def go_to(self, step, run, *arguments):
        """One process, which cannot end by itself, until the step is in its log. What it says."""
        process = subprocess.Popen([tool("neck-train"), *arguments, self.path(run)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                   env=environment())
        self.addCleanup(self.kill, process)
        self.wait_for_steps(process, run, step)
        return self.interrupt(process).decode()

    def interrupted(self, how, words):
        """Trains on two hosts, loses one, goes on with one process: the curve of a training that nothing happened to."""
        process = self.start(tool("neck-train"), *SETTINGS, "--out", self.path("run"), SOFTNECK_MPI_SILENCE="6")
        self.wait_for_steps(process, "run", 12)
        how(process)
        self.assertRegex(self.end(process), words)
        reached = max(self.losses("run"))
        said = self.go_to(reached + 20, "run", "--resume")
        went_on = int(said.split("going on after step ")[1].split()[0])
        self.assertGreaterEqual(went_on, reached - 5)  # a state every five steps
        run = self.losses("run")
        self.go_to(max(run), "whole", *SETTINGS, "--out")
        whole = self.losses("whole")
        self.assertEqual(list(whole)[:len(run)], list(run))
        for step, loss in run.items():
            self.assertAlmostEqual(loss, whole[step], delta=1e-5, msg=f"at step {step}")

    def test_a_training_survives_a_rank_that_is_killed(self):
        def kill(_):
            pids = subprocess.run(["ip", "netns", "pids", self.hosts.names[1]], capture_output=True, text=True, check=True).stdout.split()
            for pid in pids:
                with open(f"/proc/{pid}/comm", encoding="ascii") as name:
                    if name.read().startswith("neck-train"):
                        os.kill(int(pid), signal.SIGKILL)
        self.interrupted(kill, r"process rank 1 .* exited on signal 9")

    def test_a_training_survives_a_link_that_is_cut(self):
        self.interrupted(lambda _: self.hosts.cut(1), r"neck-train: rank 1 \(host1\) has been silent for 6 s")


if __name__ == "__main__":
    unittest.main()
