"""torch on all cores of this process, unless the user has said how many."""

import os

import torch


def use_all_cores() -> None:
    """torch counts physical cores of the machine; a job may have fewer, or hyper-threads. OMP_NUM_THREADS wins."""
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
