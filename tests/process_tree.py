"""A process and all that it has started, as /proc knows them."""

import contextlib
from pathlib import Path


def process_tree(process: int) -> dict[int, int]:
    """Resident bytes by process id, of a process and its descendants; zombies are left out."""
    children, resident = {}, {}
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):  # it has ended
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
            if fields["State"].strip()[0] != "Z":
                children.setdefault(int(fields["PPid"]), []).append(int(status.parent.name))
                resident[int(status.parent.name)] = int(fields.get("VmRSS", "0 kB").split()[0]) << 10
    tree, found = {}, [process]
    while found:
        member = found.pop()
        if member in resident:
            tree[member] = resident[member]
        found += children.get(member, [])
    return tree
