#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A second client of the memory device, written from docs/PROTOCOL.md alone: no line of it knows the
C sources. What it can't do, the document doesn't say.

usage: tests/second_client.py SERVE [--mount]
       tests/second_client.py --device SOCKET|DIR --pin FILE --identity FILE VM

With SERVE (a device over a made-up guest, carrier/tests/serve.c): reads pages, lists and tables over
the socket and the ring, with --mount over pread by address and by request, and compares every byte.
With --device: the name and release of VM's kernel, where the acceptance says that they are.
"""
import argparse
import base64
import contextlib
import ctypes
import hashlib
import hmac
import mmap
import os
import pathlib
import secrets
import socket
import struct
import subprocess
import sys
import tempfile
import time

try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
except ImportError as missing:
    print(f"skipped: {missing}; install python3-cryptography")
    sys.exit(77)

RAW = serialization.Encoding.Raw, serialization.PublicFormat.Raw
PATIENCE = 120  # seconds; whoever takes longer has hung
PAGE = 4096

OPEN, OPENED, FAILED, HELLO, ANSWER, RECORD, PART, RING, READ = range(1, 10)
EVIDENCE, ACCEPTANCE, REFUSAL, REQUEST, PAGES, BYTES = range(1, 7)
RANGE, LIST, TABLE, LINES = 1, 2, 3, 4
NO_LINK = -(1 << 63)
FOLLOW_HERE = 1 << 31
EXACT = 1 << 31
GONE, PARTS = (1, 2), 3  # of a piece: why a page can't be had; lines in part
VERSION = 4


class Refused(Exception):
    pass


class Tampered(Exception):
    pass


def raw(public):
    return public.public_bytes(*RAW)


# ---- handshake ----

class Handshake:
    """Noise_NK_25519_AESGCM_SHA256, the initiator's half."""

    def __init__(self, device, prologue=b"scwatcher memory device 1"):
        self.h = b"Noise_NK_25519_AESGCM_SHA256".ljust(32, b"\0")
        self.ck, self.k, self.n = self.h, None, 0
        self.device = device
        self.e = X25519PrivateKey.generate()
        self.mix_hash(prologue)
        self.mix_hash(device)

    def mix_hash(self, data):
        self.h = hashlib.sha256(self.h + data).digest()

    def hkdf(self, data):
        t = hmac.digest(self.ck, data, "sha256")
        first = hmac.digest(t, b"\1", "sha256")
        return first, hmac.digest(t, first + b"\2", "sha256")

    def mix_key(self, public):
        self.ck, self.k = self.hkdf(self.e.exchange(X25519PublicKey.from_public_bytes(public)))
        self.n = 0

    def nonce(self):
        self.n += 1
        return struct.pack(">4xQ", self.n - 1)

    def hello(self, payload):
        e = raw(self.e.public_key())
        self.mix_hash(e)
        self.mix_key(self.device)
        sealed = AESGCM(self.k).encrypt(self.nonce(), payload, self.h)
        self.mix_hash(sealed)
        return e + sealed

    def answer(self, message):
        """The payload of the device's message."""
        self.mix_hash(message[:32])
        self.mix_key(message[:32])
        try:
            payload = AESGCM(self.k).decrypt(self.nonce(), message[32:], self.h)
        except InvalidTag as e:
            raise Tampered("the answer") from e
        self.mix_hash(message[32:])
        return payload

    def keys(self):
        return self.hkdf(b"")


# ---- records ----

class Way:
    """One direction of a session."""

    def __init__(self, key, number, session):
        self.key, self.number, self.session = key, number, session
        self.sequence = 0

    def crypt(self, header, sequence, bound):
        return AESGCM(self.key), struct.pack(">4xQ", sequence), header + struct.pack("<4Q", *bound)


class Session:
    def __init__(self, to_device, to_client, number):
        self.out, self.back = Way(to_device, 1, number), Way(to_client, 2, number)
        self.seen = set()

    def seal(self, kind, plain):
        w = self.out
        header = struct.pack("<IHHQQ", len(plain) + 16, kind, w.number, w.session, w.sequence)
        cipher, nonce, data = w.crypt(header, w.sequence, (0, 0, 0, 0))
        w.sequence += 1
        return header + cipher.encrypt(nonce, plain, data)

    def open(self, record, bound=None):
        """Type and plaintext. A record of address reads (with `bound`) comes in any order."""
        size, kind, direction, session, sequence = struct.unpack_from("<IHHQQ", record)
        if (len(record) != 24 + size or direction != self.back.number or
                session != self.back.session or sequence in self.seen):
            raise Tampered("a record's header")
        if bound is None and sequence != self.back.sequence:
            raise Tampered("a record out of order")
        cipher, nonce, data = self.back.crypt(record[:24], sequence,
                                              bound if kind == BYTES else (0, 0, 0, 0))
        try:
            plain = cipher.decrypt(nonce, record[24:], data)
        except InvalidTag as e:
            raise Tampered("a record's tag") from e
        self.seen.add(sequence)
        self.back.sequence = max(self.back.sequence, sequence + 1)
        if kind == REFUSAL:
            raise Refused(refusal(plain))
        return kind, plain


def refusal(data):
    text = data[4:].decode("utf-8", "replace")
    return f"{struct.unpack_from('<i', data)[0]}: {''.join(c for c in text if c.isprintable())}"


# ---- what is said in records ----

def evidence(seed, transcript):
    key = Ed25519PrivateKey.from_private_bytes(seed)
    identity, proof = raw(key.public_key()), key.sign(b"scwatcher evidence 1" + transcript)
    return struct.pack("<III", 1, len(identity), len(proof)) + identity + proof


class Acceptance:
    def __init__(self, data):
        fixed = struct.unpack_from("<QIIQQqQBB20s66s11Q", data)
        if struct.calcsize("<QIIQQqQBB20s66s11Q") != len(data):
            raise Tampered(f"an acceptance of {len(data)} bytes")
        self.generation, self.items_max, self.pages_max = fixed[:3]
        self.levels = fixed[7]
        self.release = fixed[10].split(b"\0")[0].decode()
        self.utsname = fixed[14]


def item(kind, address, size=0, nodes=0, stride=0, link=NO_LINK, before=0, behind=0, follow=(),
         space=0):
    """`follow`: (offset, bytes wanted where it leads, bytes behind that, how) of each."""
    data = struct.pack("<IIQQQQqII", kind, nodes, space, address, size, stride, link, before, behind)
    for offset, wanted, more, how in follow:
        data += struct.pack("<iHHI", offset, wanted, more, how)
    return data.ljust(248, b"\0")


def request(number, *items):
    return struct.pack("<QII", number, len(items), 0) + b"".join(items)


class Lines:
    """What answers brought: 64-byte lines by (space, address), 8-byte words of others, and pages that aren't there."""

    def __init__(self):
        self.lines, self.words, self.gone = {}, {}, {}

    def take(self, plain, number, generation):
        """Whether more comes."""
        said, gen, flags, count = struct.unpack_from("<QQII", plain)
        if said != number or gen != generation:
            raise Tampered("an answer to something else, or of another guest")
        at = 24
        for _ in range(count):
            space, page, lines = struct.unpack_from("<QQQ", plain, at)
            at += 24
            numbers = [n for n in range(64) if lines >> n & 1]
            if (space & 4095) in GONE:
                self.gone[space & ~3, page] = space & 3
            if (space & 4095) == PARTS:
                at = self.take_parts(plain, at, space & ~3, [page + 64 * n for n in numbers])
                continue
            for n in numbers:
                self.lines[space, page + 64 * n] = plain[at:at + 64]
                at += 64
        if at != len(plain):
            raise Tampered("an answer with something at its end")
        return bool(flags & 1)

    def take_parts(self, plain, at, space, lines):
        """Words of these lines, behind their table: where they end."""
        table = (2 * len(lines) + 7) // 8
        runs = struct.unpack_from(f"<{4 * table}H", plain, at)
        word = table
        for line, run in zip(lines, runs):
            first, count = run >> 3 & 7, (run & 7) + 1
            if run >> 6 != word or first + count > 8:
                raise Tampered("a table of words")
            for n in range(first, first + count):
                self.words[space, line + 8 * n] = plain[at + 8 * word:at + 8 * word + 8]
                word += 1
        if any(runs[len(lines):]):
            raise Tampered("the padding of a table of words")
        return at + 8 * word

    def read_words(self, address, size, space=0):
        first, last = address & ~7, (address + size + 7) & ~7
        data = b"".join(self.words[space, at] for at in range(first, last, 8))
        return data[address - first:][:size]

    def read(self, address, size, space=0):
        first, last = address & ~63, (address + size + 63) & ~63
        data = b"".join(self.lines[space, at] for at in range(first, last, 64))
        return data[address - first:][:size]


# ---- carriers ----

class Socket:
    """Frames; records are frames, too, until there is a ring."""

    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.s.settimeout(PATIENCE)
        self.s.connect(str(path))

    def send(self, kind, data):
        with contextlib.suppress(BrokenPipeError):  # the reason may be there to be read
            self.s.send(struct.pack("<II", kind, len(data)) + data)

    def receive(self, *expected):
        try:
            frame, fds, _, _ = socket.recv_fds(self.s, 8 + 65536, 1)
        except ConnectionResetError:
            frame, fds, _, _ = socket.recv_fds(self.s, 8 + 65536, 1)
        if len(frame) < 8:
            raise Refused("the device hung up")
        kind, size = struct.unpack_from("<II", frame)
        if size != len(frame) - 8:
            raise Tampered("a frame's size")
        if kind == FAILED:
            raise Refused("the device's host says " + refusal(frame[8:]))
        if kind not in expected:
            raise Tampered(f"a frame of kind {kind} out of turn")
        return kind, frame[8:], fds

    def hello(self, vm, message):
        self.send(OPEN, struct.pack("<I", VERSION) + vm)
        self.receive(OPENED)
        self.send(HELLO, message)
        return self.receive(ANSWER)[1]

    def record(self, data):
        self.send(RECORD, data)

    def answer(self):
        parts = b""
        while True:
            kind, data, _ = self.receive(RECORD, PART)
            parts += data
            if kind == RECORD:
                return parts

    def behind_evidence(self, _):
        pass

    def accepted(self):
        pass

    def done(self):
        pass

    def read_bytes(self, bound):
        self.send(READ, struct.pack("<4Q", *bound))
        return self.answer()

    def close(self):
        self.s.close()


class Ring(Socket):
    """Shared memory. This end polls: bells and CPUs are for those in a hurry."""
    SIZE = 8192
    FUTEX, FUTEX_WAKE = 202, 1  # of x86-64
    memory = None

    def behind_evidence(self, request):
        self.send(RING, struct.pack("<II", self.SIZE, self.SIZE) + request)

    def accepted(self):
        _, sizes, fds = self.receive(RING)
        self.sizes = struct.unpack("<II", sizes)
        self.memory = mmap.mmap(fds[0], 4096 + sum(self.sizes))
        os.close(fds[0])
        self.words = memoryview(self.memory).cast("Q")
        self.written = self.taken = 0
        self.libc = ctypes.CDLL(None)
        self.where = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))

    def ring(self, offset):
        self.words[offset // 8] = 0
        self.libc.syscall(self.FUTEX, ctypes.c_void_p(self.where + offset), self.FUTEX_WAKE, 1, 0, 0, 0)

    def wait(self, ready):
        begun = time.monotonic()
        while not ready():
            if time.monotonic() - begun > PATIENCE:
                raise Refused("the ring stands still")
            time.sleep(0.0002)

    def room(self):
        return self.sizes[0] - (self.written - self.words[0x80 // 8])

    def record(self, data):
        if not self.memory:
            super().record(data)
            return
        data += b"\0" * (-len(data) % 8)
        for at in range(0, len(data), 8):
            if self.room() == 0:
                self.ring(0x100)
                self.wait(self.room)
            index = (4096 + self.written % self.sizes[0]) // 8
            self.words[index] = struct.unpack_from("<Q", data, at)[0]
            self.written += 8
            self.words[0] = self.written
        self.ring(0x100)

    def take(self, size):
        got = b""
        while len(got) < size:
            self.wait(lambda: self.words[0x200 // 8] - self.taken)
            index = (4096 + self.sizes[0] + self.taken % self.sizes[1]) // 8
            got += struct.pack("<Q", self.words[index])
            self.taken += 8
            self.words[0x280 // 8] = self.taken
            if self.taken % (self.sizes[1] // 2) == 0:
                self.ring(0x380)
        return got

    def answer(self):
        if not self.memory:
            return super().answer()
        header = self.take(24)
        size = struct.unpack_from("<I", header)[0]
        if not 16 <= size <= (1 << 18) + 16:
            raise Tampered("a record's size")
        rest = self.take((size + 7) & ~7)
        self.ring(0x380)
        if any(rest[size:]):
            raise Tampered("a record's padding")
        return header + rest[:size]


class Pread:
    """Nothing but open() and pread()."""
    PIECE = 120

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.files = {}
        self.open_answer, self.offset = None, 0

    def message(self, what, data):
        """Send it as names; the last one's file holds the answer."""
        for at in range(0, len(data), self.PIECE):
            piece = data[at:at + self.PIECE]
            name = base64.urlsafe_b64encode(piece).rstrip(b"=").decode()
            fd = os.open(self.session / what / f"{at}.{len(data)}.{name}", os.O_RDONLY)
            if at + len(piece) < len(data):
                os.close(fd)
        return fd

    def hello(self, vm, message):
        self.session = self.directory / vm.decode() / message[:16].hex()
        self.kept = self.message("hello", message)
        return os.pread(self.kept, 4096, 0)

    def record(self, data):
        self.done()
        self.open_answer, self.offset = self.message("record", data), 0

    def answer(self):
        data = os.pread(self.open_answer, 262184, self.offset)
        self.offset += len(data)
        return data

    def behind_evidence(self, _):
        pass

    def accepted(self):
        self.done()

    def done(self):
        if self.open_answer is not None:
            os.close(self.open_answer)
        self.open_answer = None

    def read_bytes(self, bound):
        space, address, size, epoch = bound
        name = f"{epoch:016x}" + (f".{space:x}" if space else "")
        if name not in self.files:
            self.files[name] = os.open(self.session / name, os.O_RDONLY)
        return os.pread(self.files[name], 64 + size, address & ~(1 << 63))

    def close(self):
        self.done()
        for fd in (*self.files.values(), self.kept):
            os.close(fd)


class Client:
    def __init__(self, carrier, vm, device_key, seed, *first):
        """With a ring, `first` are items whose lines will be there as soon as there is a ring."""
        vm = vm.encode()
        self.carrier = carrier
        noise = Handshake(device_key)
        number = noise.answer(carrier.hello(vm, noise.hello(struct.pack("<I", VERSION) + vm)))
        self.session = Session(*noise.keys(), struct.unpack("<Q", number)[0])
        carrier.record(self.session.seal(EVIDENCE, evidence(seed, noise.h)))
        self.number = 1 if first else 0
        carrier.behind_evidence(self.session.seal(REQUEST, request(1, *first)) if first else b"")
        kind, plain = self.session.open(carrier.answer())
        if kind != ACCEPTANCE:
            raise Tampered("no acceptance")
        carrier.accepted()
        self.acceptance = Acceptance(plain)
        self.first = self.lines() if first else None

    def ask(self, *items):
        """Lines of these items, from as many records as it takes."""
        self.number += 1
        self.carrier.record(self.session.seal(REQUEST, request(self.number, *items)))
        return self.lines()

    def lines(self):
        lines = Lines()
        more = True
        while more:
            kind, plain = self.session.open(self.carrier.answer())
            if kind != PAGES:
                raise Tampered("no pages")
            more = lines.take(plain, self.number, self.acceptance.generation)
        self.carrier.done()
        return lines

    def read_by_address(self, address, size, epoch, space=0):
        """Bytes, and the masks of pages without translation and without memory."""
        bound = space, address, size, epoch
        kind, plain = self.session.open(self.carrier.read_bytes(bound), bound)
        generation, unmapped, absent = struct.unpack_from("<3Q", plain)
        if kind != BYTES or generation != self.acceptance.generation or len(plain) != 24 + size:
            raise Tampered("no bytes")
        return plain[24:], unmapped, absent


# ---- the made-up guest ----

BASE = 0xffff888000000000
PAGES_OF_GUEST = 2048
CHAIN, CHAIN_NODES, TABLE_PAGE, LEADS_TO = 1900, 16, 1899, 1700


def page_address(number):
    return BASE + number * PAGE


def guest_page(number):
    """What carrier/tests/device.h says of its content."""
    random, data = number + 1, bytearray()
    for _ in range(PAGE):
        random = (random * 1664525 + 1013904223) & 0xffffffff
        data.append(random >> 24)
    if number % 7 == 0 and number // 7 < 20:
        i = number // 7
        data[:24] = bytes(ord("a") + (i * 11 + at * at * 3 + at) % 26 for at in range(24))
    if CHAIN <= number < CHAIN + CHAIN_NODES:
        i = number - CHAIN
        following = page_address(number + 1) if i + 1 < CHAIN_NODES else 0
        data[:16] = struct.pack("<QQ", following, page_address(LEADS_TO + 3 * i) + 128)
    if number == TABLE_PAGE:
        data[:32] = struct.pack("<4Q", *(page_address(CHAIN + 4 * i) for i in range(4)))
    return bytes(data)


def check(condition, text):
    if not condition:
        sys.exit(f"second_client: {text}")


def check_requests(client):
    a = client.acceptance
    check((a.release, a.levels) == ("6.1", 4), f"an acceptance of {a.release!r}")
    lines = client.ask(item(RANGE, page_address(3) + 100, size=3 * PAGE), item(RANGE, page_address(7), size=8))
    want = b"".join(guest_page(n) for n in range(3, 7))
    check(lines.read(page_address(3) + 100, 3 * PAGE) == want[100:100 + 3 * PAGE], "a range")
    check(lines.read(page_address(7), 8) == guest_page(7)[:8], "the second range")
    lines = client.ask(item(LINES, page_address(3), size=1 << 1 | 1 << 63))
    check(sorted(lines.lines) == [(0, page_address(3) + at) for at in (64, 63 * 64)], "lines of a page")
    # as many records as it takes
    lines = client.ask(item(RANGE, page_address(0), size=200 * PAGE))
    check(all(lines.read(page_address(n), PAGE) == guest_page(n) for n in range(200)), "200 pages")
    # nothing there
    lines = client.ask(item(RANGE, BASE - PAGE, size=8))
    check(lines.gone == {(0, BASE - PAGE): 1}, f"a page that isn't there: {lines.gone}")
    # a list, what its nodes lead to, and that's all
    lines = client.ask(item(LIST, page_address(CHAIN), nodes=100, link=0, behind=64,
                            follow=[(8, 80, 0, 0)]))
    check_chain(lines, range(CHAIN_NODES))
    check(len(lines.lines) == CHAIN_NODES * (1 + 2), f"{len(lines.lines)} lines of a list")
    # its first three nodes only, of which one line is enough
    lines = client.ask(item(LIST, page_address(CHAIN), nodes=3, link=0, behind=16))
    check(len(lines.lines) == 3, f"{len(lines.lines)} lines of three nodes")
    # a table of lists: no node more than all lists together may have
    lines = client.ask(item(TABLE, page_address(TABLE_PAGE), size=4, stride=8, nodes=20, link=0,
                            behind=64, follow=[(8, 80, 0, 0)]))
    check(lines.read(page_address(TABLE_PAGE), 32) == guest_page(TABLE_PAGE)[:32], "a table")
    check_chain(lines, range(CHAIN_NODES))
    # an array of pointers, and where the second word of what each points to leads
    lines = client.ask(item(TABLE, page_address(TABLE_PAGE), size=2, stride=16, nodes=2,
                            follow=[(8, 64, 0, 0), (0, 64, 0, FOLLOW_HERE), (64, 8, 0, 1 | FOLLOW_HERE)]))
    for i in (0, 8):
        check(lines.read(page_address(CHAIN + i), 64) == guest_page(CHAIN + i)[:64], f"pointer {i}")
        end = guest_page(LEADS_TO + 3 * i)
        check(lines.read(page_address(LEADS_TO + 3 * i) + 128, 72) == end[128:200], f"its end {i}")
    check(len(lines.lines) == 1 + 2 * 3, f"{len(lines.lines)} lines of an array of pointers")
    # an exact table: of nodes and what they lead to words, of the table itself all
    lines = client.ask(item(TABLE | EXACT, page_address(TABLE_PAGE), size=4, stride=8, nodes=20, link=0,
                            behind=16, follow=[(8, 90, 4, 0)]))
    check(lines.read(page_address(TABLE_PAGE), 32) == guest_page(TABLE_PAGE)[:32], "an exact table")
    for i in range(CHAIN_NODES):
        check(lines.read_words(page_address(CHAIN + i), 16) == guest_page(CHAIN + i)[:16], f"words of node {i}")
        end = guest_page(LEADS_TO + 3 * i)
        check(lines.read_words(page_address(LEADS_TO + 3 * i) + 132, 90) == end[132:222], f"words of end {i}")
    # 132 to 222: words 16 to 27, which are two lines, of the first one all
    check((len(lines.lines), len(lines.words)) == (1, CHAIN_NODES * (2 + 8 + 4)),
          f"{len(lines.lines)} lines and {len(lines.words)} words of an exact table")


def check_chain(lines, nodes):
    for i in nodes:
        page = guest_page(CHAIN + i)
        check(lines.read(page_address(CHAIN + i), 64) == page[:64], f"node {i}")
        end = guest_page(LEADS_TO + 3 * i)
        check(lines.read(page_address(LEADS_TO + 3 * i) + 128, 80) == end[128:208], f"end {i}")


def check_addresses(client):
    epoch = secrets.randbits(64)
    data, unmapped, absent = client.read_by_address(page_address(11) + 5, 9000, epoch)
    want = guest_page(11) + guest_page(12) + guest_page(13)
    check((data, unmapped, absent) == (want[5:9005], 0, 0), "bytes by address")
    data, unmapped, absent = client.read_by_address(BASE - 8, 16, epoch)
    check((data, unmapped, absent) == (bytes(8) + guest_page(0)[:8], 1, 0), "a page that isn't there")
    # an answer counts for its question only
    record = client.carrier.read_bytes((0, page_address(5), 64, epoch))
    for other in ((0, page_address(6), 64, epoch), (0, page_address(5), 64, epoch ^ 1)):
        try:
            client.session.open(record, other)
            check(False, "a record that is bound to nothing")
        except Tampered:
            pass
    check(client.session.open(record, (0, page_address(5), 64, epoch))[1][24:] == guest_page(5)[:64],
          "the same for its own question")


def made_up(options):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="scw-second-"))
    folder.chmod(0o755)
    words = [options.serve, folder / "socket"]
    if options.mount:
        (folder / "memory").mkdir()
        words.append(folder / "memory")
    device = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        line = device.stdout.readline().split()
        if line[:1] == ["skipped:"]:
            print(*line)
            return 77
        check(len(line) == 2 and line[0] == "ready", f"the device says {line}")
        key, seed = bytes.fromhex(line[1]), secrets.token_bytes(32)

        def client(carrier, *first):
            return Client(carrier, "web-1", key, seed, *first)

        if options.mount:
            c = client(Pread(folder / "memory"))
            check_requests(c)
            check_addresses(c)
            check_requests(c)
            c.carrier.close()
            print("over pread, by address and by request: every byte as it must be")
            return 0
        c = client(Socket(folder / "socket"))
        check_requests(c)
        check_addresses(c)
        c.carrier.close()
        print("over the socket: every byte as it must be")
        c = client(Ring(folder / "socket"))
        check_requests(c)
        c.carrier.close()
        c = client(Ring(folder / "socket"), item(RANGE, page_address(3), size=PAGE))
        check(c.first.read(page_address(3), PAGE) == guest_page(3), "what was asked for with the ring")
        check_requests(c)
        print("over the ring: every byte as it must be")
        try:
            Client(Socket(folder / "socket"), "web-1", secrets.token_bytes(32), seed)
            check(False, "a device with another key was taken")
        except (Refused, Tampered) as e:
            print(f"another key: {e}")
        return 0
    finally:
        device.stdin.close()  # it ends
        device.wait(PATIENCE)
        subprocess.run(["rm", "-rf", str(folder)], check=True)


# ---- a real guest ----

def key_file(path, kind):
    words = pathlib.Path(path).read_text(encoding="ascii").split()
    check(len(words) == 2 and words[0] == kind, f"{path} isn't a {kind}")
    return bytes.fromhex(words[1])


def names(client, by_address):
    """sysname, nodename and release: each 65 bytes of struct new_utsname."""
    at = client.acceptance.utsname
    if by_address:
        data = client.read_by_address(at, 3 * 65, secrets.randbits(64))[0]
    else:
        data = client.ask(item(RANGE, at, size=3 * 65)).read(at, 3 * 65)
    return [data[65 * i:65 * i + 65].split(b"\0")[0].decode() for i in range(3)]


def real(options):
    keys = key_file(options.pin, "device-public"), key_file(options.identity, "identity-secret")
    carriers = [Pread] if os.path.isdir(options.device) else [Socket, Ring]
    for carrier in carriers:
        c = Client(carrier(options.device), options.vm, *keys)
        told = names(c, False)
        check(told[2] == c.acceptance.release, f"{told} and {c.acceptance.release}")
        if carrier is not Ring:
            check(names(c, True) == told, "by address something else is read")
        c.carrier.close()
        print(carrier.__name__, *told)
    return 0


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "))
    parser.add_argument("--mount", action="store_true")
    parser.add_argument("--device")
    parser.add_argument("--pin")
    parser.add_argument("--identity")
    parser.add_argument("what")
    options = parser.parse_args()
    if options.device:
        options.vm = options.what
        return real(options)
    options.serve = options.what
    return made_up(options)


if __name__ == "__main__":
    sys.exit(main())
