#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
The libc door against the host: the same calls, and Debian's own tools, on a directory tree of the
host and on the guest's /proc with the same content must say the same.

    test_door.py PRELOAD.so PROBE PROBE-FORTIFIED PROBE-LINKED [PROBE-MUSL PROBE-MUSL-LINKED]
"""
import difflib
import errno
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

PRELOAD, PROBE, FORTIFIED, LINKED = (os.path.abspath(p) for p in sys.argv[1:5])
# A sanitizer's own library would have to come first in every tool: only the linked form then.
SANITIZED = "--sanitized" in sys.argv
if SANITIZED:
    sys.argv.remove("--sanitized")
MUSL = [os.path.abspath(p) for p in sys.argv[5:7] if not p.startswith("-")]
PARTS = ["open", "read", "fds", "stat", "dirs", "cwd", "stdio", "exec", "syscall", "fortified", "wide"]


def make_tree(root):
    files = {
        "1/stat": "1 (init) S 0 1 1 0 -1 4194560\n",
        "1/cmdline": "a\0b\0",
        "1/empty": "",
        "2/stat": "2 (kthreadd) S 0 0 0\n",
        "2/status": "Name:\tkthreadd\nPid:\t2\n",
        "net/tcp": "".join(f"{i}\n" for i in range(3000)),
        "net/dev": "dev\n",
        "big": "".join(f"{i}\n" for i in range(200000)),
        "mounts": "/dev/sda1 / ext4 rw 0 0\nproc /proc proc rw 0 0\n",
        "1/mounts": "/dev/sda1 / ext4 rw 0 0\nproc /proc proc rw 0 0\n",
        "loadavg": "0.50 0.40 0.30 1/2 3\n",
        "sys/kernel/osrelease": "6.1.0-test\n",
    }
    files.update({f"1/fd/{i}": f"{i}\n" for i in range(3)})
    files.update({f"many/{i}": f"{i}\n" for i in range(200)})
    for name, text in files.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
    for name, text in {"link": "1/stat", "dirlink": "net", "dangling": "none", "loop": "loop",
                       "up": "1/../net/dev"}.items():
        os.symlink(text, os.path.join(root, name))
    for folder, _, names in os.walk(root, topdown=False):
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                os.chmod(path, 0o444)
        os.chmod(folder, 0o555)


class DoorTest(unittest.TestCase):
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="scwatcher-door-")
        cls.root = os.path.join(cls.dir, "proc")
        os.mkdir(cls.root)
        make_tree(cls.root)

    @classmethod
    def tearDownClass(cls):
        for folder, _, _ in os.walk(cls.dir):
            os.chmod(folder, 0o755)
        shutil.rmtree(cls.dir)

    def env(self, door, **more):
        env = dict(os.environ, LC_ALL="C", **more)
        for name in [n for n in env if n.startswith("SCWATCHER_")]:
            if name not in more:
                del env[name]
        if door:
            env["SCWATCHER_TEST_TREE"] = self.root
        if door == "preload":
            env["LD_PRELOAD"] = (PRELOAD + ":" + env.get("LD_PRELOAD", "")).rstrip(":")
        return env

    def setUp(self):
        name = self._testMethodName
        if SANITIZED and not name.startswith("test_probe_linked") and name != "test_no_own_names":
            self.skipTest("preloading into tools that a sanitizer isn't built into")

    def run_in(self, argv, door, stdin=subprocess.DEVNULL, **more):
        p = subprocess.run(argv, env=self.env(door, **more), stdin=stdin, cwd="/",
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        return p.returncode, p.stdout.decode("latin-1")

    def same(self, want, got, what):
        if want == got:
            return
        diff = list(difflib.unified_diff(want[1].splitlines(), got[1].splitlines(), "host", "door",
                                         lineterm="", n=2))
        self.fail(f"{what}: status {want[0]} {got[0]}\n" + "\n".join(d[:200] for d in diff[:60]))


def add_probe_tests():
    for part in PARTS:
        for name, probe, door, root in [
                ("preload", PROBE, "preload", "/proc"),
                ("preload_of_host_files", PROBE, "preload", None),
                ("preload_fortified", FORTIFIED, "preload", "/proc"),
                ("linked", LINKED, "link", "/proc"),
                ("linked_musl", MUSL[1] if MUSL else None, "link", "/proc")]:
            def test(self, name=name, part=part, probe=probe, door=door, root=root):
                if not probe:
                    self.skipTest("no musl-gcc")
                plain = MUSL[0] if name == "linked_musl" else PROBE if door == "link" else probe
                want = self.run_in([plain, self.root, part], None)
                self.assertEqual(want[0], 0)
                # Descriptors that other programs see need the door in them as well.
                if door == "link" and part == "exec":
                    self.skipTest("children of a linked program have no door")
                got = self.run_in([probe, root or self.root, part], door)
                self.same(want, got, part)
            setattr(DoorTest, f"test_probe_{name}_{part}", test)


# Commands with {} for the tree. Run by sh.
COMMANDS = [
    "cat {}/1/stat {}/net/dev {}/none",
    "cat < {}/net/tcp",
    "head -n 3 {}/net/tcp; head -c 100 {}/big",
    "tail -n 3 {}/net/tcp; tail -c 20 {}/big; tail -n +199990 {}/big",
    "wc {}/net/tcp {}/1/stat; wc -c < {}/big; wc -l {}/big",
    "md5sum {}/big {}/net/tcp",
    "od -c {}/1/cmdline; od -A d -t x1 -j 5 -N 20 {}/1/stat",
    "dd if={}/big bs=1000 skip=3 count=2 status=none | md5sum; dd if={}/net/tcp bs=1M status=none | wc -c",
    "grep -r init {} | sort; grep -c 7 {}/net/tcp; grep -l kthreadd {}/*/stat; grep -rl 199 {}/many",
    "find {} | sort; find {} -type f -name 'st*' | sort; find -L {}/dirlink | sort; find {} -maxdepth 1 -type l | sort",
    "find {}/1 -type f -exec cat {{}} +; find {}/1 -name stat -execdir cat {{}} \\;",
    "find {}/many -type f | xargs cat | sort -n | md5sum",
    "ls {}; ls -1f {}/1 | sort; ls -R {}; ls -F {}; ls {}/none; ls -l {}/link | sed 's/.*link/link/'",
    "stat -c '%F %a %h %N' {}/link; stat -Lc '%F %s' {}/1/stat {}/link; stat -Lc %F {}/dirlink",
    "readlink {}/link; readlink -f {}/dirlink/tcp; realpath {}/up {}/1/../link; readlink -e {}/dangling",
    "tar cf - -C {} 1 net link | tar tf -; tar cf - -C {}/.. $(basename {})/many | tar xOf - | sort -n | md5sum",
    "sed -n 2p {}/net/tcp; sed s/init/INIT/ {}/1/stat; awk '{{print $2}}' {}/1/stat {}/2/stat; awk 'END{{print NR}}' {}/big",
    "sort -rn {}/net/tcp | head -n 2; sort -R {}/net/tcp | sort -n | md5sum; sort {}/1/stat {}/2/stat",
    "diff {}/1/stat {}/2/stat; diff -q {}/net/tcp {}/net/tcp; cmp {}/net/tcp {}/big; diff -r {}/1 {}/2 | sort",
    "cut -d' ' -f2 {}/1/stat; tr a-z A-Z < {}/1/stat; uniq -c {}/net/dev; tac {}/net/tcp | head -n 2; rev {}/1/stat; paste {}/1/stat {}/2/stat",
    "t=$(mktemp -d); cp {}/net/tcp $t/x; cmp $t/x {}/net/tcp; cp -r {}/1 $t/y; cat $t/y/stat; install -m 644 {}/big $t/z; wc -c < $t/z; chmod -R u+w $t; rm -r $t",
    "cd {}/1 && pwd -P && /bin/pwd && cat stat && cat ../net/dev && ls && cd .. && ls -d [0-9]* && cd /",
    "cd {}/dirlink; cat dev; cd -P ..; ls | head -n 3",
    "while read a b c; do echo \"$b $c\"; done < {}/1/stat; read x < {}/net/dev; echo $x",
    "exec 5< {}/net/tcp; read a <&5; read b <&5; echo $a $b; head -n 1 <&5; exec 5<&-",
    "{{ read a; read b; cat; }} < {}/1/stat; (read a; echo $a; cat | head -n 2) < {}/net/tcp",
    "test -f {}/1/stat && echo file; test -d {}/1 && echo dir; test -L {}/link && echo link; test -e {}/dangling || echo dangling; test -r {}/1/stat && echo readable; test -x {}/1/stat || echo no; [ -s {}/1/empty ] || echo empty",
    "for f in {}/1/*; do echo $f; done; echo {}/[12]/st*; echo {}/n*/*",
    "env -i /bin/cat {}/1/stat; env -u LD_PRELOAD /bin/cat {}/1/stat",
    "sh -c 'cd {}; exec cat 1/stat'; cd {}/1; sh -c 'cat stat; cd ..; sh -c \"cat 1/stat\"'",
    "nice cat {}/1/stat; timeout 5 cat {}/1/stat; nohup cat {}/1/stat 2>/dev/null; setsid -w cat {}/1/stat",
    "file -b {}/1/stat; strings {}/1/stat; base64 {}/1/cmdline; xxd {}/1/cmdline; nl {}/1/stat; fold -w 5 {}/1/stat; split -n l/1/2 {}/net/dev; sum {}/big; cksum {}/big",
    "gzip -c {}/net/tcp | gzip -dc | md5sum; xz -c {}/1/stat | xz -dc; cpio -o --quiet < /dev/null | wc -c; echo {}/1/stat | cpio -o --quiet 2>&1 | strings | grep init",
    "du -a --apparent-size {}/1 | wc -l; tree --noreport {}/1 2>/dev/null | wc -l; comm {}/net/tcp {}/net/tcp 2>/dev/null | wc -l; join {}/1/stat {}/2/stat; tee < {}/net/dev; cat {}/net/tcp | tee /dev/null | wc -l",
]

BASH = [
    "echo $(<{}/1/stat); mapfile -t x < {}/net/tcp; echo ${{#x[@]}} ${{x[77]}}; while read -r l; do echo $l; break; done < {}/net/tcp",
    "shopt -s nullglob globstar; echo {}/none*; printf '%s\\n' {}/**/stat; cd {}; for d in [0-9]*/; do echo $d; done",
    "cat <(cat {}/1/stat) {}/2/stat; diff <(head -n 5 {}/net/tcp) <(tail -n +1 {}/net/tcp | head -n 5) && echo same",
    "exec {{fd}}<{}/1/stat; read -u $fd x; echo \"$x\"; cat /dev/fd/$fd | wc -c; exec {{fd}}<&-",
    "pushd {}/1 >/dev/null; cat stat; popd >/dev/null; cd {}; cat 1/stat; (cd net; cat dev); [[ -e 1/stat && {}/1 -ef 1 ]] && echo ok",
    "coproc cat {}/1/stat; read -u ${{COPROC[0]}} x; echo \"$x\"; cat < {}/1/stat & wait; cat {}/1/stat | (cat; cat {}/2/stat)",
]

PYTHON = r"""
import glob, io, mmap, os, shutil, subprocess, sys, tempfile
r = sys.argv[1]
def show(*a): print(*[str(x).replace(r, 'ROOT') for x in a])
def fails(f, *a, **k):
    try: show(f(*a, **k))
    except OSError as e: show(type(e).__name__, e.errno, e.filename)
show(sorted(os.listdir(r)))
with os.scandir(r) as it:
    show(sorted((e.name, e.is_symlink(), e.is_dir(follow_symlinks=False)) for e in it))
show(open(r + '/1/stat').read(), len(open(r + '/big', 'rb').read()))
show(sum(1 for l in open(r + '/big')))
with open(r + '/net/tcp') as f:
    show(f.readline(), f.tell(), f.seek(6), f.readline(), f.fileno() > 2)
show(sorted(glob.glob(r + '/*/stat')), sorted(glob.glob(r + '/*/d[a-f]v')))
show(sorted((d, sorted(s), sorted(f)) for d, s, f in os.walk(r)) [0:3])
for p in ['1/stat', 'none', 'loop', 'dangling', '1/stat/', '1']:
    fails(open, r + '/' + p) if p != '1/stat' else None
    show(os.path.exists(r + '/' + p), os.path.isdir(r + '/' + p), os.path.islink(r + '/' + p))
    show(os.path.realpath(r + '/' + p))
os.chdir(r + '/1'); show(os.getcwd(), open('stat').read(), sorted(os.listdir()))
show(subprocess.check_output(['cat', 'stat', '../net/dev']))
show(subprocess.check_output(['cat', 'stat'], cwd=r + '/2'))
show(subprocess.check_output(['cat', r + '/1/stat'], env={}))
show(subprocess.check_output(['cat'], stdin=open(r + '/2/stat')))
show(subprocess.check_output('cat < stat; cat stat', shell=True), os.system('cat stat >/dev/null'))
show(os.popen('cat stat').read())
show(subprocess.run(['cat', 'stat'], preexec_fn=os.setsid, capture_output=True, close_fds=True))
os.chdir('/')
fd = os.open(r + '/net/tcp', os.O_RDONLY)
show(os.read(fd, 4), os.pread(fd, 4, 10), os.lseek(fd, 2, 0), os.read(fd, 4), os.fstat(fd).st_mode)
fails(os.write, fd, b'x')
d = os.dup(fd); show(os.read(d, 3)); os.close(d)
p = os.pipe(); show(os.sendfile(p[1], fd, 0, 10), os.read(p[0], 20))
try: mmap.mmap(fd, 10, prot=mmap.PROT_READ) if False else None
except OSError as e: show(e.errno)
dir = os.open(r, os.O_RDONLY)
show(os.open('1/stat', os.O_RDONLY, dir_fd=dir) > 0, os.stat('1', dir_fd=dir).st_mode, os.readlink('link', dir_fd=dir))
show(sorted(os.listdir(dir)), os.access('1/stat', os.R_OK, dir_fd=dir))
os.fchdir(dir); show(os.getcwd(), open('1/stat').read()); os.chdir('/')
pid = os.fork()
if pid == 0:
    show(open(r + '/1/stat').read()); os.read(fd, 5); sys.stdout.flush(); os._exit(0)
os.waitpid(pid, 0); show(os.read(fd, 5))
t = tempfile.mkdtemp(); shutil.copy(r + '/net/tcp', t + '/x'); show(os.path.getsize(t + '/x'))
shutil.copyfile(r + '/1/stat', t + '/y'); show(open(t + '/y').read()); shutil.rmtree(t)
import concurrent.futures
with concurrent.futures.ThreadPoolExecutor(8) as ex:
    show(sum(ex.map(lambda i: int(open(r + '/many/%d' % (i % 200)).read()), range(2000))))
import multiprocessing
with multiprocessing.get_context('fork').Pool(3) as pool:
    show(pool.map(os.listdir, [r + '/net']))
"""

PERL = r"""
my $r = shift;
sub show { my $s = join ' ', @_; $s =~ s/\Q$r\E/ROOT/g; print "$s\n" }
opendir my $d, $r or die; show sort grep !/^\./, readdir $d; closedir $d;
open my $f, '<', "$r/1/stat" or die; show scalar <$f>; show tell $f; seek $f, 2, 0; read $f, my $b, 4; show $b; close $f;
open $f, '<', "$r/big"; my $n = () = <$f>; show $n; close $f;
show -e "$r/1/stat", -d "$r/1", -f "$r/1/stat", -l "$r/link", -s "$r/1/stat", readlink "$r/link";
show open($f, '<', "$r/none") ? 1 : "$!"; show sort glob "$r/*/stat"; show `cat $r/1/stat`;
chdir "$r/1"; show `pwd`, `cat stat`; open $f, '<', 'stat'; show <$f>; chdir '/';
open STDIN, '<', "$r/2/stat"; show `cat`; show map { (stat)[2] } "$r/1/stat", "$r/1";
"""


def in_shell(shell):
    def test(self, command):
        want = self.run_in([shell, "-c", command.format(*[self.root] * 20)], None)
        got = self.run_in([shell, "-c", command.format(*["/proc"] * 20)], "preload")
        clean = [(r, re.sub(r"(?<![\w/])" + re.escape(root) + r"(?![\w])", "ROOT", text))
                 for (r, text), root in ((want, self.root), (got, "/proc"))]
        # The second line of the mount table is the one thing that names /proc by itself.
        self.same((clean[0][0], clean[0][1].replace("proc ROOT", "proc /proc")),
                  (clean[1][0], clean[1][1].replace("proc ROOT", "proc /proc")), command)
    return test


def add_command_tests():
    for i, command in enumerate(COMMANDS):
        command = command.replace("{}", "\0").replace("{{", "{").replace("}}", "}")
        def test(self, command=command.replace("{", "{{").replace("}", "}}").replace("\0", "{}")):
            in_shell("/bin/sh")(self, command)
        setattr(DoorTest, f"test_sh_{i:02}_{command.split()[0]}", test)
    for i, command in enumerate(BASH):
        def test(self, command=command):
            in_shell("/bin/bash")(self, command)
        setattr(DoorTest, f"test_bash_{i:02}", test)


def test_python(self):
    want = self.run_in(["python3", "-c", PYTHON, self.root], None)
    self.assertEqual(want[0], 0, want[1])
    self.same(want, self.run_in(["python3", "-c", PYTHON, "/proc"], "preload"), "python3")


def test_perl(self):
    want = self.run_in(["perl", "-e", PERL, self.root], None)
    self.assertEqual(want[0], 0, want[1])
    self.same(want, self.run_in(["perl", "-e", PERL, "/proc"], "preload"), "perl")


# With st_size 0, as files of /proc have, tools read to the end all the same.
def test_zero_sizes(self):
    for command in ["cat /proc/big", "head -n 3 /proc/big", "tail -n 3 /proc/big", "wc -l < /proc/big",
                    "md5sum < /proc/big", "grep 7777 /proc/big", "od /proc/net/tcp", "sort /proc/net/tcp",
                    "t=$(mktemp) && cp /proc/big $t && md5sum < $t && rm $t", "awk 'END{print NR}' /proc/big",
                    "sed -n '$p' /proc/big", "dd if=/proc/big status=none", "tac /proc/big",
                    "python3 -c 'print(len(open(\"/proc/big\").read()))'", "diff /proc/big /proc/net/tcp"]:
        want = self.run_in(["sh", "-c", command.replace("/proc", self.root)], None)
        got = self.run_in(["sh", "-c", command], "preload", SCWATCHER_TEST_ZERO="1")
        self.same(want, got, command)


# Rules that the host's files can't show.
RULES = [
    # command, expected status, expected output (a pattern)
    ("echo x > /proc/1/stat", 2, ".*Read-only file system\n"),
    ("echo x > /proc/new", 2, ".*Read-only file system\n"),
    ("test -w /proc/1/stat", 1, ""),
    ("cat /proc/99999", 1, "cat: /proc/99999: No such file or directory\n"),
    ("cat /proc/meminfo", 1, "cat: /proc/meminfo: No such file or directory\n"),
    ("cat /proc/self/comm", 0, "cat\n"),
    ("cat /proc/thread-self/comm", 0, "cat\n"),
    ("readlink /proc/self/exe", 0, ".*/readlink\n"),
    ("sh -c 'cat /proc/$$/comm'; true", 0, "cat: .*No such file or directory\n"),
    ("bash -c 'read x < /proc/$$/comm; echo $x'", 0, "bash\n"),
    ("cat /proc/self/mounts", 0, "/dev/sda1 / ext4.*\nproc /proc.*\n"),
    ("cat /etc/mtab | head -n 1", 0, "/dev/sda1 / ext4.*\n"),
    ("stat -c %F /proc/self/mounts", 0, "regular (empty )?file\n"),
    ("python3 -c 'import os; print(os.path.realpath(\"/etc/mtab\"))'", 0, "/proc/([0-9]+/)?mounts\n"),
    ("cat /proc/self/net/dev /proc/thread-self/net/dev", 0, "dev\ndev\n"),
    ("cat /proc/self/net/netlink", 1, ".*No such file or directory\n"),
    ("cat /proc/self/task/../net/dev", 0, "dev\n"),
    ("cat /proc/self/../1/stat", 0, "1 \\(init.*\n"),
    ("cat /proc/self/root/proc/1/stat", 0, "1 \\(init.*\n"),
    ("cat /proc/1/../self/comm", 0, "cat\n"),
    ("cd /proc/self && cat ../1/stat", 0, "1 \\(init.*\n"),
    ("cd /proc/1 && cat ../self/comm", 0, "cat\n"),
    ("cd /proc/1 && readlink /proc/self/cwd && cat /proc/self/cwd/stat", 0, "/proc/1\n1 \\(init.*\n"),
    ("cd /proc/1 && cat ../../etc/debian_version", 0, "[^:]*\n"),
    ("stat -f -c %t /proc/1/stat /proc", 0, "9fa0\n9fa0\n"),
    ("cat /proc/../proc/./1//stat", 0, "1 \\(init.*\n"),
    ("cd /usr && cat ../proc/1/stat", 0, "1 \\(init.*\n"),
    ("cd / && cat proc/1/stat", 0, "1 \\(init.*\n"),
    ("cd /proc/1 && mkdir x", 1, ".*x.*\n"),
    ("readlink /proc/3/exe", 0, "/usr/bin/init\n"),
    ("cat /proc/3/exe", 1, ".*Permission denied\n"),
    ("stat -L -c %F /proc/3/exe", 0, "regular empty file\n"),
    ("cat /proc/3/root/etc/passwd", 1, ".*Permission denied\n"),
    ("cd /proc/3/root", 2, ".*\n"),
    ("tail -c 5 /proc/1/stat", 0, "4560\n"),
]


def add_rule_tests():
    for i, (command, status, pattern) in enumerate(RULES):
        def test(self, command=command, status=status, pattern=pattern):
            if "/etc/mtab" in command and not os.path.lexists("/etc/mtab"):
                self.skipTest("this machine has no /etc/mtab")
            got = self.run_in(["/bin/sh", "-c", command], "preload", SCWATCHER_TEST_MAGIC="1")
            self.assertEqual(got[0], status, got[1])
            self.assertRegex(got[1], "^(?s:" + pattern + ")$")
        setattr(DoorTest, f"test_rule_{i:02}", test)


TERMINALS = """
import os, stat, sys
for name in sys.argv[1:]:
    try:
        st = os.stat(name)
        print(name, stat.filemode(st.st_mode), os.major(st.st_rdev), os.minor(st.st_rdev), st.st_nlink, st.st_size)
        st = os.lstat(name)
        print(name, stat.filemode(st.st_mode), os.major(st.st_rdev), os.minor(st.st_rdev), st.st_nlink, st.st_size)
    except OSError as e:
        print(name, e.errno)
"""


# Tools learn what a terminal's number is called by looking whether a file in /dev has that number. Those of the guest
# that this machine hasn't are numbered as in every Linux (Documentation/admin-guide/devices.txt).
def test_terminals(self):
    numbers = {"/dev/pts/1048574": (136, 1048574), "/dev/pts/999999": (136, 999999), "/dev/ttyS191": (4, 255),
               "/dev/hvc7": (229, 7), "/dev/tty63": (4, 63)}
    numbers = {name: at for name, at in numbers.items() if not os.path.lexists(name)}
    none = [name for name in ("/dev/pts/1048576", "/dev/pts/99999999999999999999", "/dev/pts/x", "/dev/pts/7x",
                              "/dev/pts/-1", "/dev/pts/", "/dev/pts/ 7", "/dev/ttyS192", "/dev/ttyS", "/dev/tty64",
                              "/dev/hvc8", "/dev/pts/3/x", "/dev/nothing", "/dev/ttyUSB9", "/pts/1048574",
                              "/tmp/dev/pts/1048574") if not os.path.lexists(name)]
    got = self.run_in(["python3", "-c", TERMINALS, *numbers, *none], "preload")
    want = "".join(f"{name} crw--w---- {major} {minor} 1 0\n" * 2 for name, (major, minor) in numbers.items())
    want += "".join(f"{name} {errno.ENOTDIR if name == '/dev/pts/3/x' and os.path.lexists('/dev/pts/3') else errno.ENOENT}\n"
                    for name in none)
    self.assertEqual(got, (0, want))
    # what this machine has is its own
    st = os.stat("/dev/null")
    got = self.run_in(["python3", "-c", TERMINALS, "/dev/null"], "preload")
    self.assertIn(f" {os.major(st.st_rdev)} {os.minor(st.st_rdev)} ", got[1])
    # only the numbers are known: such a terminal can't be opened
    got = self.run_in(["sh", "-c", "cat /dev/pts/1048574"], "preload")
    self.assertEqual(got[0], 1, got[1])


def test_attach_fails(self):
    got = self.run_in(["cat", "/proc/1/stat", "/proc/net/tcp", "/proc/self/comm"], "preload",
                      SCWATCHER_TEST_FAIL="cannot attach to vm")
    self.assertEqual(got, (1, "scwatcher: cannot attach to vm\ncat: /proc/1/stat: Input/output error\n"
                              "cat: /proc/net/tcp: Input/output error\ncat\n"))


# Children that preloading doesn't reach see the host's /proc, and whoever reads that is told.
def test_unreached_children(self):
    if not MUSL:
        self.skipTest("no musl-gcc")
    static = os.path.join(self.dir, "static")
    script = os.path.join(self.dir, "script")
    shutil.copy(MUSL[0], static)
    with open(script, "w") as f:
        f.write(f"#!{static}\n")
    os.chmod(script, 0o755)
    said = "scwatcher: %s is statically linked: it sees the host's /proc\n"
    for argv, path in [(["sh", "-c", f"{static} /nowhere open; true"], static),
                       (["env", f"PATH={self.dir}", "static", "/nowhere", "open"], static),
                       (["perl", "-e", f"exec '{script}'"], script),
                       (["python3", "-c", f"import os; os.posix_spawn('{static}', ['x'], os.environ); os.wait()"], static)]:
        got = self.run_in(argv, "preload")
        self.assertIn(said % path, got[1])
    # and nothing of others
    got = self.run_in(["sh", "-c", "cat /proc/1/stat; env true"], "preload")
    self.assertEqual(got, (0, "1 (init) S 0 1 1 0 -1 4194560\n"))


# The library must not call through the names it takes over: that would be itself.
def test_no_own_names(self):
    archive = os.path.join(os.path.dirname(os.path.dirname(PRELOAD)), "libdoor_preload.a")
    with open(os.path.join(os.path.dirname(__file__), "..", "functions.list")) as f:
        names = set(f.read().split())
    undefined = {line.split()[-1] for line in
                 subprocess.check_output(["nm", "-u", archive], text=True).splitlines() if " U " in line}
    self.assertEqual(undefined & names, set())
    self.assertGreater(len(undefined), 20)


for function in [test_python, test_perl, test_zero_sizes, test_attach_fails, test_no_own_names, test_terminals,
                 test_unreached_children]:
    setattr(DoorTest, function.__name__, function)
add_probe_tests()
add_command_tests()
add_rule_tests()
if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]] + sys.argv[5 + len(MUSL):])
