"""Binds a unix datagram socket and prints each datagram with the process id of its sender's credentials."""
import socket
import struct
import sys

receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
receiver.bind(sys.argv[1])
print("bound", flush=True)
while True:
    data, ancillary, _, _ = receiver.recvmsg(4096, socket.CMSG_SPACE(struct.calcsize("3i")))
    pid = next((struct.unpack("3i", body[:12])[0] for _, kind, body in ancillary if kind == socket.SCM_CREDENTIALS), 0)
    for state in data.decode().splitlines():
        print(pid, state, flush=True)
