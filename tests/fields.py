# SPDX-License-Identifier: MIT
"""
The one table of what may differ between what a guest printed of itself and what is read from its memory
once it stands still, with the reason for each. Everything that isn't here must be equal byte for byte.

PATH is a path as patterns() makes it: numbers of processes, threads and descriptors are PID, TID and FD.
PARTS says which parts of the file may differ:
    None            the whole content
    ["Name", ...]   lines that begin so ("State:"), or columns if they are numbers (1 is the first)
    Near(most, ...) numbers, by at most `most` each, in lines that begin so (all lines without names);
                    wider={"name": most} for lines that may differ by more
    Match(regex)    what the expression matches
CONDITION limits the rule: READER to the process that did the reading in the guest, RAN to tasks whose
schedstat says that they ran after the guest's first reading; None doesn't.
"""



class Near:
    def __init__(self, most, *names, wider=()):
        self.most, self.names, self.wider = most, names or ("",), dict(wider)

    def most_of(self, line):
        return next((most for name, most in self.wider.items() if line.startswith(name)), self.most)


class Match:
    def __init__(self, regex):
        self.regex = regex


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
    ("/proc/PID/sched", None, RAN, "as above, and what the scheduler reckons of it"),
    ("/proc/PID/sched", ["clock-delta "], None, "how long it took the guest to read its clock"),
    ("/proc/PID/stack", None, RAN, "where it sleeps now"),
    ("/proc/PID/io", None, RAN, "as above: what it read and wrote"),
    ("/proc/PID/comm", None, RAN, "a kworker's name tells what it works on"),
    ("/proc/PID/wchan", None, RAN, "where it sleeps now"),
    ("/proc/PID/syscall", None, RAN, "as above"),
    ("/proc/PID/fdinfo/FD", Match(r"(?m)^it_value: .*$"), None, "the time that is left until a timer fires"),
    ("/proc/PID/fdinfo/FD", ["fanotify ", "Pid:", "NSpid:", "pending:", "total:", "API:"], None,
     "not shown: what these kinds of files add to their fdinfo (docs/PROCFS.md)"),

    ("/proc/PID/mounts", Match(r"(?m) - overlay overlay rw\S*$| overlay rw\S* 0 0$"), None,
     "what file systems of modules add: their records aren't among the kernel's types (docs/PROCFS.md)"),
    ("/proc/PID/mountinfo", Match(r"(?m) - overlay overlay rw\S*$| overlay rw\S* 0 0$"), None, "as above"),

    ("/proc/net/tcp", Match(r"(?<= 0[1-4]:)[0-9A-F]{8}"), None,
     "the time that is left until a timer fires, in hundredths of a second"),
    ("/proc/net/tcp6", Match(r"(?<= 0[1-4]:)[0-9A-F]{8}"), None, "as above"),

    ("/proc/net/nf_conntrack",
     Match(r"(?<= )\d+ (?=(?:[A-Z_0-9]+ |timeout=\d+, stream_timeout=\d+ )?src=)|(?<= delta-time=)\d+"), None,
     "the seconds that are left of a connection, and those since it began"),
    ("/proc/net/ip6_flowlabel", Match(r"-?\d+ +(?=[0-9a-f]{32} )"), None, "the seconds that are left of a label"),

    ("/proc/PID/smaps", None, RAN, "the task ran in between: what it touched"),
    ("/proc/PID/smaps_rollup", None, RAN, "as above"),
    ("/proc/PID/numa_maps", None, RAN, "as above"),

    ("/proc/pressure/**", Near(20000000), None,
     "time passed: totals are in microseconds, and the kernel sums them up every two seconds"),
    ("/proc/schedstat", Near(20000000000), None, "time passed: nanoseconds that tasks ran and waited"),
    ("/proc/slabinfo", Near(20000), None, "the reader's own folders and files, and what was freed meanwhile"),
    ("/proc/uptime", Near(20), None, "time passed: seconds, at most a few"),
    ("/proc/loadavg", Near(3), None, "time passed: the averages are counted anew every five seconds"),
    ("/proc/stat", Near(4000, "cpu", "intr ", "ctxt ", "softirq ", "procs_running", "procs_blocked"), None,
     "time passed: ticks, interrupts and context switches of the reader and of the timer"),
    ("/proc/meminfo", Near(4096, "MemFree:", "MemAvailable:", "Slab:", "SReclaimable:", "SUnreclaim:",
                           "KReclaimable:", "Buffers:", "Cached:", "Active:", "Inactive:", "Active(anon):",
                           "Active(file):", "Inactive(anon):", "AnonPages:", "PageTables:", "Mapped:",
                           "KernelStack:", "Percpu:"),
     None, "the reader's own folders and files in the kernel's caches, in kB; counts that each CPU saves up"),
    ("/proc/vmstat", Near(20000, wider={"nr_dirty_": 400000}), None,
     "as above, in pages, and events counted since boot; the guest's reader is a real-time task, to which the"
     " kernel shows higher thresholds of dirty pages"),
    ("/proc/zoneinfo", Near(20000), None, "as above"),
    ("/proc/buddyinfo", Near(2000), None, "as above: free blocks"),
    ("/proc/interrupts", Near(20000), None, "time passed: interrupts"),
    ("/proc/softirqs", Near(20000), None, "time passed: deferred work"),
    ("/proc/sys/kernel/sched_domain/**", Near(2000000), None,
     "time passed: max_newidle_lb_cost, in nanoseconds, decays every second"),
    ("/proc/sys/fs/dentry-state", Near(4000), None, "the reader's own folders and files"),
    ("/proc/sys/fs/file-nr", Near(100), None, "files that the reader has open, or has just closed"),
    ("/proc/sys/fs/inode-nr", Near(4000), None, "as above"),
    ("/proc/sys/fs/inode-state", Near(4000), None, "as above"),
]

# Not read together with all else, as they are long; a process that ends changes the last.
LONG = ["/proc/kallsyms", "/proc/vmallocinfo"]

# Read again on their own, so that little time passes until the guest stands still; slow ones first.
LAST = ["/proc/pressure", "/proc/schedstat", "/proc/slabinfo", "/proc/vmstat", "/proc/zoneinfo", "/proc/interrupts", "/proc/softirqs", "/proc/loadavg", "/proc/net",
        "/proc/meminfo", "/proc/stat", "/proc/uptime"]

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
