# hold.py PID: traces a process and holds it in its exit until this program ends.
import ctypes
import os
import sys
import time

PTRACE_SEIZE, PTRACE_O_TRACEEXIT, WALL = 0x4206, 0x40, 0x40000000

pid = int(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
if libc.ptrace(PTRACE_SEIZE, pid, None, ctypes.c_void_p(PTRACE_O_TRACEEXIT)) != 0:
    sys.exit(os.strerror(ctypes.get_errno()))
print("held", flush=True)
os.waitpid(pid, WALL)
time.sleep(600)
