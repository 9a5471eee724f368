#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Make the handshake of `test_channel transcript` a second time, with dissononce (Debian's
python3-dissononce), an independent implementation of the Noise framework, and compare every byte.

usage: noise_peer.py TEST_CHANNEL
"""
import subprocess
import sys

try:
    from dissononce.cipher.aesgcm import AESGCMCipher
    from dissononce.dh.keypair import KeyPair
    from dissononce.dh.x25519.private import PrivateKey
    from dissononce.dh.x25519.x25519 import X25519DH
    from dissononce.hash.sha256 import SHA256Hash
    from dissononce.processing.handshakepatterns.interactive.NK import NKHandshakePattern
    from dissononce.processing.impl.cipherstate import CipherState
    from dissononce.processing.impl.handshakestate import HandshakeState
    from dissononce.processing.impl.symmetricstate import SymmetricState
except ImportError as missing:
    print(f"skipped: {missing}; install python3-dissononce")
    sys.exit(77)

PROLOGUE = b"scwatcher memory device 1"


class FixedDH(X25519DH):
    """X25519 whose ephemeral key is given, as the C test's is."""

    def __init__(self, secret):
        super().__init__()
        self.secret = secret

    def generate_keypair(self, privatekey=None):
        return super().generate_keypair(privatekey or PrivateKey(self.secret))


def party(secret):
    dh = FixedDH(secret)
    return HandshakeState(SymmetricState(CipherState(AESGCMCipher()), SHA256Hash()), dh), dh


def main():
    text = subprocess.run([sys.argv[1], "transcript"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout
    ours = {name: bytes.fromhex(value) for name, value in map(str.split, text.splitlines())}

    client, _ = party(b"\x02" * 32)
    device, dh = party(b"\x03" * 32)
    static: KeyPair = dh.generate_keypair(PrivateKey(b"\x01" * 32))
    client.initialize(NKHandshakePattern(), True, PROLOGUE, rs=static.public)
    device.initialize(NKHandshakePattern(), False, PROLOGUE, s=static)

    theirs = {}
    message = bytearray()
    client.write_message(b"web", message)
    theirs["hello"] = bytes(message)
    device.read_message(theirs["hello"], bytearray())
    message = bytearray()
    to_device, to_client = device.write_message(b"yes", message)
    theirs["answer"] = bytes(message)
    client.read_message(theirs["answer"], bytearray())
    theirs["transcript"] = bytes(device.symmetricstate.get_handshake_hash())
    # keys can't be read out of dissononce: seal a byte with each and do the same with ours
    for name, state in (("to_device", to_device), ("to_client", to_client)):
        own = CipherState(AESGCMCipher())
        own.initialize_key(ours[name])
        if state.encrypt_with_ad(b"", b"x") != own.encrypt_with_ad(b"", b"x"):
            print(f"{name}: the keys differ")
            return 1
    for name, value in theirs.items():
        if ours[name] != value:
            print(f"{name}: {ours[name].hex()} here, {value.hex()} there")
            return 1
    print("hello, answer, transcript hash and both keys are the same")
    return 0


if __name__ == "__main__":
    sys.exit(main())
