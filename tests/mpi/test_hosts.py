"""Between separate hosts: the same results over TCP; a rank that is killed and a link that is cut end in a clear message, in time."""

import os
import re
import signal
import subprocess
import time
import unittest

from hosts import Hosts, environment, possible

BUILD = os.environ.get("BUILD", "build")
LIMIT = 600  # seconds: only what hangs takes as long, on however busy a machine
IN_TIME = 120  # seconds: a dozen is usual, and the launcher alone would take 480
WHY_NOT = possible()


class OnHosts(unittest.TestCase):
    """Two hosts, and a job of two ranks on them."""

    def setUp(self):
        super().setUp()
        self.hosts = Hosts(2)
        self.hosts.__enter__()
        self.addCleanup(self.hosts.__exit__)

    def start(self, *program, **more):
        """Its output goes to a file: a daemon on a host that was cut off would hold a pipe open."""
        self.output = os.path.join(self.hosts.folder, "output")
        with open(self.output, "w", encoding="utf-8") as output:
            process = subprocess.Popen(self.hosts.command(2, *program), stdout=output, stderr=subprocess.STDOUT, env=environment(**more),
                                       start_new_session=True)
        self.addCleanup(lambda: process.poll() is None and os.killpg(process.pid, signal.SIGKILL))
        return process

    def said(self):
        with open(self.output, encoding="utf-8", errors="replace") as output:
            return output.read()

    def end(self, process):
        """What the job said, when it has failed in time."""
        try:
            process.wait(timeout=IN_TIME)
        except subprocess.TimeoutExpired:
            self.fail(f"the job still runs after {IN_TIME} s: {self.said()}")
        self.assertNotEqual(process.returncode, 0, self.said())
        return self.said()


@unittest.skipIf(WHY_NOT, WHY_NOT)
class BetweenHosts(OnHosts):
    def pids(self, process):
        """Of the two ranks of an endless job, which tells them when all are at work."""
        found = {}
        while len(found) < 2:
            self.assertIsNone(process.poll(), self.said())
            time.sleep(0.05)
            found = {int(rank): int(pid) for rank, pid in re.findall(r"^(\d) (\d+)$", self.said(), re.MULTILINE)}
        return found

    def test_every_unit_test_of_teams_passes_between_hosts(self):
        done = subprocess.run(self.hosts.command(2, f"{BUILD}/tests/mpi/test_team"), capture_output=True, text=True, env=environment(),
                              timeout=LIMIT, check=False)
        self.assertIn("Failures: 0, Errors: 0", done.stdout, done.stdout + done.stderr)
        self.assertEqual(done.returncode, 0)

    def kill_one(self, how):
        process = self.start(f"{BUILD}/tests/mpi/endless", "30", how)
        os.kill(self.pids(process)[1], signal.SIGKILL)
        self.assertRegex(self.end(process), r"process rank 1 .* exited on signal 9")

    def cut_off_one(self, how):
        process = self.start(f"{BUILD}/tests/mpi/endless", "6", how)
        self.pids(process)
        self.hosts.cut(1)
        self.assertRegex(self.end(process), r"rank 1 \(host1\) has been silent for 6 s: it was killed, or cannot be reached")

    def test_a_killed_rank_is_named_at_once(self):
        self.kill_one("")

    def test_a_rank_killed_while_another_is_in_a_call_of_mpi(self):
        self.kill_one("block")

    def test_a_cut_link_is_noticed_when_the_silence_is_over(self):
        self.cut_off_one("")

    def test_a_link_cut_while_a_rank_is_in_a_call_of_mpi(self):
        self.cut_off_one("block")


if __name__ == "__main__":
    unittest.main()
