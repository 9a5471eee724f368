# SPDX-License-Identifier: MIT
"""
The one table of what may differ between what a guest printed of itself and what is read from its memory
once it stands still, with the reason for each. Everything that isn't here must be equal byte for byte.

PATH is a path as patterns() makes it: numbers of processes, threads and descriptors are PID, TID and FD.
PARTS says which parts of the file may differ:
    None            the whole content
    ["Name", ...]   lines that begin so ("VmRSS:"), or columns if they are numbers (1 is the first)
CONDITION limits the rule: READER to the process that did the reading in the guest, RAN to tasks whose
schedstat says that they ran after the guest's first reading; None doesn't.
"""

READER = "reader"
RAN = "ran"

MAY_DIFFER = [
    # path, parts, condition, reason
    ("/proc/PID/**", None, READER,
     "the process that read the guest's files went on reading until the guest stood still"),

    ("/proc/PID/stat", [2, 3, 10, 12, 14, 15, 35, 39, 42], RAN,
     "the task ran in between: its state, faults, times and processor; a kworker's name tells its work"),
    ("/proc/PID/status", ["Name:", "State:", "voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"], RAN,
     "as above"),
    ("/proc/PID/schedstat", None, RAN, "as above: run time, waiting time and how often it ran"),
    ("/proc/PID/io", None, RAN, "as above: what it read and wrote"),
    ("/proc/PID/comm", None, RAN, "a kworker's name tells what it works on"),
    ("/proc/PID/wchan", None, RAN, "where it sleeps now"),
]

# What every supported kernel must show: absent is a failure, too.
REQUIRED = [
    "/proc/PID/stat", "/proc/PID/statm", "/proc/PID/status", "/proc/PID/cmdline", "/proc/PID/comm",
    "/proc/PID/environ", "/proc/PID/exe", "/proc/PID/cwd", "/proc/PID/root", "/proc/PID/fd",
    "/proc/PID/fd/FD", "/proc/PID/task", "/proc/PID/cgroup", "/proc/PID/wchan", "/proc/PID/loginuid",
    "/proc/PID/attr/current",
    "/proc/version", "/proc/uptime", "/proc/loadavg", "/proc/stat", "/proc/meminfo",
] + ["/proc/net/" + name for name in (
    "tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "unix", "packet", "netlink", "dev",
    "route", "ipv6_route", "arp", "igmp", "igmp6", "if_inet6", "snmp", "snmp6", "netstat", "sockstat",
    "sockstat6")
] + ["/proc/sys/kernel/" + name for name in (
    "pid_max", "osrelease", "hostname", "ngroups_max", "cap_last_cap")
]
REQUIRED += [path.replace("/proc/PID/", "/proc/PID/task/TID/") for path in REQUIRED
             if path.startswith("/proc/PID/") and path != "/proc/PID/task"]
REQUIRED += [path.replace("/proc/net/", "/proc/PID/net/") for path in REQUIRED
             if path.startswith("/proc/net/")]
