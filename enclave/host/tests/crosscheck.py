#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""MRENCLAVE and SIGSTRUCT once more, independently, compared with what `scwatcher sign` makes.

usage: crosscheck.py SCWATCHER PROGRAM

Written from the SDM (volume 3D: ECREATE, EADD, EEXTEND, SIGSTRUCT), not from the C code; hashing by
Python's hashlib, RSA by python3-cryptography. The signature scheme has no randomness, so that all
1808 bytes must be equal.
"""
import hashlib
import pathlib
import struct
import subprocess
import sys
import tempfile

try:
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
except ImportError:
    print("skipped: python3-cryptography isn't installed")
    sys.exit(77)

PAGE = 4096


def parse(image):
    """The fields of an image that decide its identity, by docs/ENCLAVE.md."""
    magic, version, count, _, size, frame, misc, flags, xfrm = struct.unpack_from(
        "<8sIIQQIIQQ", image)
    assert magic.rstrip(b"\0") == b"SCWencl" and version == 1
    segments = [struct.unpack_from("<QQQIIQQ", image, 2048 + 96 * i) for i in range(count)]
    return size, frame, misc, flags, xfrm, segments


def mrenclave(image):
    size, frame, _, _, _, segments = parse(image)
    digest = hashlib.sha256(struct.pack("<8sIQ44x", b"ECREATE\0", frame, size))
    for offset, pages, secinfo, flags, _, at, length in segments:
        data = image[at:at + length].ljust(pages * PAGE, b"\0")
        for page in range(offset, offset + pages * PAGE, PAGE):
            digest.update(struct.pack("<8sQQ40x", b"EADD\0\0\0\0", page, secinfo))
            if not flags & 1:
                continue
            for block in range(page, page + PAGE, 256):
                digest.update(struct.pack("<8sQ48x", b"EEXTEND\0", block))
                digest.update(data[block - offset:block - offset + 256])
    return digest.digest()


def sigstruct(image, key, product, svn, date):
    _, _, misc, flags, xfrm, _ = parse(image)
    head = bytes.fromhex("06000000E10000000000010000000000")
    head += struct.pack("<II", 0, int(date, 16))
    head += bytes.fromhex("01010000600000006000000001000000")
    head += bytes(4 + 84)
    body = struct.pack("<II", misc, 0xffffffff) + bytes(4 + 16)
    body += struct.pack("<QQQQ", flags, xfrm, 2**64 - 2, 2**64 - 1)
    body += mrenclave(image) + bytes(16 + 16) + struct.pack("<HH", product, svn)
    assert len(head) == 128 and len(body) == 128
    n = key.public_key().public_numbers().n
    s = int.from_bytes(key.sign(head + body, padding.PKCS1v15(), hashes.SHA256()), "big")
    q1 = s * s // n
    q2 = (s * s * s - q1 * s * n) // n

    def number(value):
        return value.to_bytes(384, "little")

    return (head + number(n) + struct.pack("<I", 3) + number(s) + body + bytes(12) + number(q1) +
            number(q2))


def main():
    scwatcher, program = sys.argv[1:]
    key = rsa.generate_private_key(public_exponent=3, key_size=3072)
    with tempfile.TemporaryDirectory() as folder:
        pem = pathlib.Path(folder, "key.pem")
        pem.write_bytes(key.private_bytes(serialization.Encoding.PEM,
                                          serialization.PrivateFormat.TraditionalOpenSSL,
                                          serialization.NoEncryption()))
        config = pathlib.Path(folder, "config")
        config.write_bytes(b"device key and options" * 300)
        for number, options in enumerate([
                ["--heap", "1M"],
                ["--heap", "5M", "--threads", "3", "--stack", "100K", "--config", str(config)],
                ["--debug", "--xfrm", "7", "--product", "77", "--svn", "5", "--threads", "1"]]):
            out = pathlib.Path(folder, f"{number}.img")
            run = subprocess.run([scwatcher, "sign", "--key", str(pem), "--date", "20260228",
                                  "--unchecked-code", *options, program, str(out)], check=True, capture_output=True,
                                 text=True)
            image = out.read_bytes()
            last = number == 2
            mine = sigstruct(image, key, 77 if last else 0, 5 if last else 0, "20260228")
            theirs = image[128:128 + 1808]
            assert mrenclave(image).hex() in run.stdout, "MRENCLAVE differs"
            for at in range(0, 1808):
                assert mine[at] == theirs[at], f"SIGSTRUCT differs at byte {at}"
            assert hashlib.sha256(mine[128:512]).hexdigest() in run.stdout, "MRSIGNER differs"
            print(f"{' '.join(options)}: {mrenclave(image).hex()}, 1808 bytes equal")
    return 0


if __name__ == "__main__":
    sys.exit(main())
