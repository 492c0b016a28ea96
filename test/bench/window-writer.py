"""Writes 4 KiB and syncs, over and over; prints the longest gap between two completions in milliseconds."""

import os
import signal
import sys
import time

running = True


def stop(*_):
    global running
    running = False


signal.signal(signal.SIGTERM, stop)
file = os.open(os.path.join(sys.argv[1], "writer"), os.O_CREAT | os.O_WRONLY, 0o600)
longest = 0.0
before = time.monotonic()
print("writing", flush=True)
while running:
    os.pwrite(file, b"x" * 4096, 0)
    os.fsync(file)
    now = time.monotonic()
    longest = max(longest, now - before)
    before = now
print(longest * 1000, flush=True)
