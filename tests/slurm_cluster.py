"""A real SLURM cluster of one node for a test: munged, slurmctld and slurmd with their own configuration and ports.

`with slurm_cluster() as environment:` starts the three and stops them; sbatch, squeue and scontrol reach them with that
environment. Debian: `apt-get install slurm-wlm munge`. Nothing of a SLURM that the machine may have is touched.
"""

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
TOOLS = ("mungekey", "sbatch", "squeue", "scontrol", "scancel", "sinfo")
SYSTEM_FOLDERS = "/usr/sbin:/usr/local/sbin:/sbin"  # where daemons lie, often not in an ordinary user's PATH
START_SECONDS = 120

# One node that says it has four cores whatever the machine has; no accounting, no cgroups, no limits on memory.
# A requeued job waits until its credential has expired: cred_expire, 120 s by default, and at least 5.
CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0
SlurmdParameters=config_overrides
JobRequeue=1
KillWait=1
ReturnToService=2
MailProg=/bin/true
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=16000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def why_no_cluster() -> str | None:
    """The reason why none can be started here, or None."""
    missing = [name for name in (*DAEMONS, *TOOLS) if not _program(name)]
    if missing:
        return f"SLURM is not installed (no {', '.join(missing)}): apt-get install slurm-wlm munge"
    return None


@contextlib.contextmanager
def slurm_cluster():
    """The environment that reaches a running cluster, as a dictionary. Raises RuntimeError with the daemons' logs."""
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    folder.chmod(0o755)  # munged refuses a socket that others could not reach
    for name in ("munge", "state", "spool"):
        (folder / name).mkdir()
    environment = os.environ | {
        "SLURM_CONF": str(folder / "slurm.conf"),
        "PATH": f"{os.environ['PATH']}:{SYSTEM_FOLDERS}",
    }
    text = CONFIGURATION.format(
        folder=folder,
        host=socket.gethostname().partition(".")[0],
        user=getpass.getuser(),
        controller_port=_free_port(),
        node_port=_free_port(),
    )
    (folder / "slurm.conf").write_text(text)
    commands = _daemon_commands(folder)
    started: list[subprocess.Popen] = []
    try:
        subprocess.run([_program("mungekey"), "--create", f"--keyfile={folder}/munge/key"], check=True)
        for words in commands:
            with open(folder / f"{words[0]}.out", "wb") as log:
                program = [_program(words[0]), *words[1:]]
                started.append(subprocess.Popen(program, env=environment, stdout=log, stderr=log))
            if words[0] == "munged":
                _wait(lambda: (folder / "munge" / "socket").exists(), started, folder, "munged")
        _wait(lambda: _node_state(environment).startswith("idle"), started, folder, "the node")
        yield environment
    finally:
        if len(started) == len(commands):
            _cancel_all(environment)
        for daemon in reversed(started):
            daemon.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                daemon.wait(10)
            daemon.kill()
            daemon.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _daemon_commands(folder: Path) -> list[list[str]]:
    munge = folder / "munge"
    return [
        ["munged", "--foreground", "--force", f"--key-file={munge}/key", f"--socket={munge}/socket",
         f"--pid-file={munge}/pid", f"--log-file={munge}/log", f"--seed-file={munge}/seed"],
        ["slurmctld", "-D", "-c"],
        ["slurmd", "-D", "-c"],
    ]  # fmt: skip


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=SYSTEM_FOLDERS)


def _node_state(environment) -> str:
    done = subprocess.run(["sinfo", "-h", "-o", "%T"], env=environment, capture_output=True, text=True)
    return done.stdout.strip()


def _cancel_all(environment) -> None:
    """What a failed test left running would outlive its daemons."""
    subprocess.run(["scancel", f"--user={getpass.getuser()}"], env=environment, capture_output=True)
    give_up = time.monotonic() + 5
    while subprocess.run(["squeue", "-h"], env=environment, capture_output=True).stdout and time.monotonic() < give_up:
        time.sleep(0.1)


def _wait(ready, daemons, folder, what) -> None:
    give_up = time.monotonic() + START_SECONDS
    while not ready():
        ended = [daemon.args[0] for daemon in daemons if daemon.poll() is not None]
        if ended or time.monotonic() > give_up:
            logs = "\n".join(
                f"--- {path.name}\n{path.read_text(errors='replace')[-2000:]}"
                for path in sorted([*folder.glob("*.out"), *folder.glob("*.log"), *folder.glob("munge/log")])
            )
            raise RuntimeError(f"{what} did not come up in {START_SECONDS} s; ended: {ended}\n{logs}")
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
