"""Hosts of their own on one machine: network namespaces joined by a virtual cable, a rank in each, and nothing between them but TCP."""

import os
import shutil
import subprocess
import tempfile

SETTINGS = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_mpi_yield_when_idle": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
    "SOFTNECK_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
NET = "10.77.0"
# The launcher's own connections: it gives up a daemon that has not answered for 2 + 3 * 2 seconds.
LAUNCHER = ["--mca", "oob_tcp_keepalive_time", "2", "--mca", "oob_tcp_keepalive_intvl", "2", "--mca", "oob_tcp_keepalive_probes", "3",
            "--mca", "btl", "tcp,self", "--mca", "btl_tcp_if_include", NET + ".0/24", "--mca", "oob_tcp_if_include", NET + ".0/24"]


def environment(**more):
    return {**os.environ, **SETTINGS, **more}


def run(*command):
    subprocess.run(command, check=True, capture_output=True, text=True)


def possible():
    """Why hosts cannot be made here, or None."""
    if os.geteuid() != 0:
        return "network namespaces take root"
    if not shutil.which("ip"):
        return "there is no ip"
    probe = f"neck{os.getpid()}p"
    if subprocess.run(["ip", "netns", "add", probe], capture_output=True).returncode:
        return "network namespaces cannot be made here"
    run("ip", "netns", "del", probe)
    return None


class Hosts:
    """count hosts, host0 .. , on one bridge. The launcher runs on host0 and reaches the others through an agent in place of ssh."""

    def __init__(self, count=2):
        self.names = [f"neck{os.getpid()}h{i}" for i in range(count)]
        self.hub = f"neck{os.getpid()}hub"
        self.cables = [f"nk{os.getpid() % 100000}c{i}" for i in range(count)]
        self.folder = tempfile.mkdtemp(prefix="softneck-hosts.")
        self.agent = os.path.join(self.folder, "agent")

    def __enter__(self):
        run("ip", "netns", "add", self.hub)
        run("ip", "-n", self.hub, "link", "add", "bridge", "type", "bridge")
        run("ip", "-n", self.hub, "link", "set", "bridge", "up")
        for i, (name, cable) in enumerate(zip(self.names, self.cables)):
            run("ip", "netns", "add", name)
            run("ip", "link", "add", cable, "netns", self.hub, "type", "veth", "peer", "name", "net0", "netns", name)
            run("ip", "-n", self.hub, "link", "set", cable, "master", "bridge", "up")
            run("ip", "-n", name, "addr", "add", f"{NET}.{i + 1}/24", "dev", "net0")
            for link in ("lo", "net0"):
                run("ip", "-n", name, "link", "set", link, "up")
        with open(self.agent, "w", encoding="ascii") as file:
            file.write(f"#!/bin/sh\nnumber=$((${{1##*.}} - 1)); shift\nexec ip netns exec neck{os.getpid()}h$number "
                       'unshare --uts sh -c "hostname host$number; $*"\n')
        os.chmod(self.agent, 0o755)
        return self

    def __exit__(self, *_):
        for name in self.names + [self.hub]:
            pids = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False).stdout.split()
            for pid in pids:
                subprocess.run(["kill", "-9", pid], capture_output=True, check=False)
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        shutil.rmtree(self.folder)

    def command(self, ranks, *program):
        """The command that starts so many ranks, one a host in turn."""
        slots = -(-ranks // len(self.names))
        hosts = ",".join(f"{NET}.{i + 1}:{slots}" for i in range(len(self.names)))
        return ["ip", "netns", "exec", self.names[0], "unshare", "--uts", "sh", "-c", 'hostname host0; exec "$@"', "sh", "mpirun",
                "--mca", "plm_rsh_agent", self.agent, *LAUNCHER, "--map-by", "node", "--host", hosts, "-np", str(ranks), *program]

    def cut(self, number):
        """The cable of a host is pulled."""
        run("ip", "-n", self.hub, "link", "set", self.cables[number], "down")
