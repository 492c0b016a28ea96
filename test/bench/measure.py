"""Runs one command and prints what it cost: wait4 is the only way to learn that of exactly one child.

Standard input: {"argv": [...], "env": {...}, "log": "file"}. Standard output: {"wall", "cpu", "peak", "status"}
in milliseconds, milliseconds (user and system, of it and the children it waited for) and MiB.
"""

import json
import os
import sys
import time

job = json.load(sys.stdin)
log = os.open(job["log"], os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
nothing = os.open(os.devnull, os.O_RDONLY)
actions = [(os.POSIX_SPAWN_DUP2, nothing, 0), (os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)]

start = time.perf_counter()
child = os.posix_spawnp(job["argv"][0], job["argv"], job["env"], file_actions=actions)
_, status, used = os.wait4(child, 0)
wall = time.perf_counter() - start

print(
    json.dumps(
        {
            "wall": wall * 1e3,
            "cpu": (used.ru_utime + used.ru_stime) * 1e3,
            "peak": used.ru_maxrss / 1024,
            "status": os.waitstatus_to_exitcode(status),
        }
    )
)
