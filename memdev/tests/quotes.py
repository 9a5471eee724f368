#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Quotes of enclaves, the recorded one and made-up ones, whole and broken, each with its own message.

usage: quotes.py CHECK_QUOTE DATA
       quotes.py --make FOLDER SVN

DATA holds a quote of a real processor with its collateral. --make leaves a made-up quote of today, what a device needs to
judge it (root.pem, collateral/) and the key that signs such quotes, of a processor whose components all have that SVN. Made-up ones come from a root, a processor and a
quoting enclave of our own, written here from Intel's documents and not from the verifier's source. Exit status
77 (skipped) without python3-cryptography.
"""
import datetime
import hashlib
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.x509.oid import NameOID
except ImportError:
    print("quotes: skipped: no python3-cryptography")
    sys.exit(77)

CHECK, DATA = sys.argv[1], pathlib.Path(sys.argv[2])
NOW = datetime.datetime(2030, 6, 1, 12, 0, 0) if CHECK != "--make" else \
    datetime.datetime.utcnow().replace(microsecond=0)
DAY = datetime.timedelta(days=1)
TRANSCRIPT = bytes(range(32))
INTEL = bytes.fromhex("939a7233f79c4ca9940a0db3957f0607")
INTEL_ROOT_KEY = ("040ba9c4c0c0c86193a3fe23d6b02cda10a8bbd4e88e48b4458561a36e705525f567918e2edc88e40d860bd0cc4ee26a"
                  "acc988e505a953558c453f6b0904ae7394")
QUOTER = b"\x8c" * 32
failures = []


# ---- DER, as much as the processor's certificate needs ----

def der(tag, body):
    size = len(body)
    if size < 128:
        return bytes([tag, size]) + body
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 | len(octets)]) + octets + body


def oid(text):
    numbers = [int(n) for n in text.split(".")]
    body = bytes([numbers[0] * 40 + numbers[1]])
    for number in numbers[2:]:
        groups = [number & 127]
        while number > 127:
            number >>= 7
            groups.append(128 | number & 127)
        body += bytes(reversed(groups))
    return der(6, body)


def integer(number):
    return der(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def pair(name, value):
    return der(0x30, oid(name) + value)


SGX = "1.2.840.113741.1.13.1"


def sgx_extension(w):
    tcb = b"".join(pair(f"{SGX}.2.{i + 1}", integer(svn)) for i, svn in enumerate(w["components"]))
    tcb += pair(f"{SGX}.2.17", integer(w["pcesvn"])) + pair(f"{SGX}.2.18", der(4, bytes(w["components"])))
    body = (pair(f"{SGX}.1", der(4, bytes(16))) + pair(f"{SGX}.2", der(0x30, tcb)) +
            pair(f"{SGX}.3", der(4, bytes.fromhex(w["pck_pceid"]))) +
            pair(f"{SGX}.4", der(4, bytes.fromhex(w["pck_fmspc"]))) + pair(f"{SGX}.5", der(10, b"\0")))
    return der(0x30, body)


# ---- a world of our own ----

def raw_signature(key, data):
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def point(key):
    numbers = key.public_key().public_numbers()
    return numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


def subject(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name),
                      x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tests")])


def certificate(name, key, issuer, issuer_key, ca, serial, start=NOW - 900 * DAY, end=NOW + 900 * DAY, extra=None):
    b = (x509.CertificateBuilder().subject_name(subject(name)).issuer_name(subject(issuer))
         .public_key(key.public_key()).serial_number(serial).not_valid_before(start).not_valid_after(end)
         .add_extension(x509.BasicConstraints(ca, None), critical=True)
         .add_extension(x509.KeyUsage(not ca, not ca, False, False, False, ca, ca, False, False), critical=True)
         .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
         .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False))
    if extra:
        b = b.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier(SGX), extra), critical=False)
    return b.sign(issuer_key, hashes.SHA256())


def crl(issuer, key, revoked, start, end):
    b = (x509.CertificateRevocationListBuilder().issuer_name(subject(issuer)).last_update(start).next_update(end)
         .add_extension(x509.CRLNumber(1), critical=False)
         .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False))
    for serial in revoked:
        b = b.add_revoked_certificate(x509.RevokedCertificateBuilder().serial_number(serial)
                                      .revocation_date(start).build())
    return b.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER).hex()


def pem(*certificates):
    return b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates).decode()


def stamp(t):
    return t.strftime("%Y-%m-%dT%H:%M:%SZ")


def level(components, pcesvn, status):
    return {"tcb": {"sgxtcbcomponents": [{"svn": c} for c in components], "pcesvn": pcesvn},
            "tcbDate": "2029-01-01T00:00:00Z", "tcbStatus": status}


ROOT, PCK_CA, SIGNER, PCK = "Intel SGX Root CA", "Intel SGX PCK Platform CA", "Intel SGX TCB Signing", \
    "Intel SGX PCK Certificate"
KEYS = {name: new_key() for name in ("root", "other_root", "ca", "signer", "pck", "quote", "other")}


def world():
    """All that a case can change before things are made of it."""
    return {
        "version": 3, "key_type": 2, "tee": 0, "vendor": INTEL,
        "components": [5] * 16, "pcesvn": 10, "pck_fmspc": "00906ea10000", "pck_pceid": "0000",
        "info_fmspc": "00906ea10000", "info_pceid": "0000", "info_id": "SGX", "info_version": 3,
        "levels": [level([5] * 16, 10, "UpToDate"), level([4] * 16, 10, "SWHardeningNeeded"),
                   level([3] * 16, 9, "OutOfDate"), level([1] * 16, 1, "Revoked")],
        "qe_levels": [(8, "UpToDate"), (6, "OutOfDate"), (1, "Revoked")], "qe_svn": 8, "qe_signer": QUOTER,
        "qe_product": 1, "qe_flags": 0x11, "qe_misc": 0,
        "issued": NOW - 10 * DAY, "next": NOW + 20 * DAY, "qe_issued": NOW - 10 * DAY, "qe_next": NOW + 20 * DAY,
        "crl_end": NOW + 20 * DAY, "root_crl_end": NOW + 20 * DAY, "revoked": [], "root_revoked": [],
        "pck_end": NOW + 900 * DAY, "pck_name": PCK, "signer_name": SIGNER, "pck_key": "pck", "pck_ca_flag": False,
        "flags": 5, "report_data": None, "auth": bytes(range(32)), "root_key": "root", "pinned": "root",
        "quote_key": "quote", "bound_key": "quote", "qe_sign_key": "pck", "info_key": "signer", "qe_id_key": "signer",
        "chain": None, "mutate": None, "statuses": "UpToDate", "now": NOW, "collateral": None, "transcript": TRANSCRIPT,
        "no_root": False, "crl_key": "ca",
    }


def report(flags, signer, product, svn, data, misc=0, enclave=b"\x11" * 32):
    r = bytearray(384)
    struct.pack_into("<I", r, 16, misc)
    struct.pack_into("<QQ", r, 48, flags, 3)
    r[64:96], r[128:160] = enclave, signer
    struct.pack_into("<HH", r, 256, product, svn)
    r[320:384] = data.ljust(64, b"\0")
    return bytes(r)


def make(w):
    k = {**KEYS, "root": KEYS[w["root_key"]]}
    root = certificate(ROOT, k["root"], ROOT, k["root"], True, 1)
    pinned = certificate(ROOT, KEYS[w["pinned"]], ROOT, KEYS[w["pinned"]], True, 1)
    ca = certificate(PCK_CA, k["ca"], ROOT, k["root"], True, 2)
    signer = certificate(w["signer_name"], k["signer"], ROOT, k["root"], False, 3)
    pck = certificate(w["pck_name"], k[w["pck_key"]], PCK_CA, k["ca"], w["pck_ca_flag"], 4, end=w["pck_end"],
                      extra=sgx_extension(w))
    start = NOW - 10 * DAY
    info = json.dumps({"id": w["info_id"], "version": w["info_version"], "issueDate": stamp(w["issued"]),
                       "nextUpdate": stamp(w["next"]), "fmspc": w["info_fmspc"], "pceId": w["info_pceid"],
                       "tcbType": 0, "tcbEvaluationDataNumber": 1, "tcbLevels": w["levels"]},
                      separators=(",", ":"))
    identity = json.dumps({"id": "QE", "version": 2, "issueDate": stamp(w["qe_issued"]),
                           "nextUpdate": stamp(w["qe_next"]), "tcbEvaluationDataNumber": 1,
                           "miscselect": "00000000", "miscselectMask": "FFFFFFFF",
                           "attributes": "11" + "00" * 15, "attributesMask": "FB" + "FF" * 7 + "00" * 8,
                           "mrsigner": QUOTER.hex().upper(), "isvprodid": 1,
                           "tcbLevels": [{"tcb": {"isvsvn": svn}, "tcbDate": "2029-01-01T00:00:00Z",
                                          "tcbStatus": status} for svn, status in w["qe_levels"]]},
                          separators=(",", ":"))
    collateral = {
        "pck_crl_issuer_chain": pem(ca, root), "tcb_info_issuer_chain": pem(signer, root),
        "qe_identity_issuer_chain": pem(signer, root),
        "root_ca_crl": crl(ROOT, k["root"], w["root_revoked"], start, w["root_crl_end"]),
        "pck_crl": crl(PCK_CA, k[w["crl_key"]], w["revoked"], start, w["crl_end"]),
        "tcb_info": info, "tcb_info_signature": raw_signature(k[w["info_key"]], info.encode()).hex(),
        "qe_identity": identity, "qe_identity_signature": raw_signature(k[w["qe_id_key"]], identity.encode()).hex(),
    }
    if w["collateral"]:
        w["collateral"](collateral)
    data = w["report_data"]
    if data is None:
        data = hashlib.sha256(b"scwatcher enclave 1" + TRANSCRIPT).digest()
    signed = struct.pack("<HHIHH16s20s", w["version"], w["key_type"], w["tee"], 10, 15, w["vendor"], bytes(20))
    signed += report(w["flags"], b"\x22" * 32, 7, 3, data)
    qe = report(w["qe_flags"], w["qe_signer"], w["qe_product"], w["qe_svn"],
                hashlib.sha256(point(k[w["bound_key"]]) + w["auth"]).digest(), w["qe_misc"])
    chain = (pem(*(w["chain"](pck, ca, root) if w["chain"] else (pck, ca, root)))).encode() + b"\0"
    about_qe = qe + raw_signature(k[w["qe_sign_key"]], qe) + struct.pack("<H", len(w["auth"])) + w["auth"]
    about_qe += struct.pack("<HI", 5, len(chain)) + chain
    if w["version"] == 4:
        about_qe = struct.pack("<HI", 6, len(about_qe)) + about_qe
    rest = raw_signature(k[w["quote_key"]], signed) + point(k["quote"]) + about_qe
    quote = signed + struct.pack("<I", len(rest)) + rest
    if w["mutate"]:
        quote = w["mutate"](bytearray(quote))
    return pem(pinned), json.dumps(collateral), bytes(quote)


def run(root, collateral, quote, now, statuses="UpToDate", transcript=TRANSCRIPT):
    with tempfile.TemporaryDirectory() as folder:
        base = pathlib.Path(folder)
        (base / "collateral").mkdir()
        if root is not None:
            (base / "root.pem").write_text(root)
        if collateral is not None:
            (base / "collateral" / "platform.json").write_text(collateral)
        (base / "quote").write_bytes(quote)
        for path in (base / "root.pem", base / "collateral" / "platform.json"):
            if path.exists():
                path.chmod(0o644)
        done = subprocess.run([CHECK, base / "root.pem", base / "collateral", base / "quote",
                               str(int(now.replace(tzinfo=datetime.timezone.utc).timestamp())), statuses,
                               transcript.hex()], capture_output=True, text=True, check=False)
    if done.returncode:
        return f"status {done.returncode}: {done.stderr[-300:]}"
    return done.stdout.strip()


def expect(name, got, *wanted):
    if not all(w in got for w in wanted) or (wanted == ("ok",) and not got.startswith("ok:")):
        failures.append(name)
        print(f"quotes: {name}: wanted {wanted}, got: {got}")


def case(name, *wanted, **changes):
    w = world()
    assert set(changes) <= set(w), changes
    w.update(changes)
    root, collateral, quote = make(w)
    expect(name, run(None if w["no_root"] else root, collateral, quote, w["now"], w["statuses"], w["transcript"]),
           *wanted)


def flip(at):
    def change(quote):
        quote[at] ^= 1
        return quote
    return change


def put(at, data):
    def change(quote):
        quote[at:at + len(data)] = data
        return quote
    return change


def edit(name, change):
    def edited(collateral):
        collateral[name] = change(collateral[name])
    return edited


def without(name):
    def changed(collateral):
        del collateral[name]
    return changed


def flip_hex(text):
    return text[:-1] + ("0" if text[-1] != "0" else "1")


def made_up():
    case("a good one", "ok")
    case("version 4", "ok", version=4)
    case("no root", "permission", "no root certificate (sgx_root", no_root=True)
    # the quote itself
    case("version 5", "a quote of version 5", version=5)
    case("another kind of key", "a key of type 3", key_type=3)
    case("a TDX quote", "no SGX enclave (type 129)", tee=0x81)
    case("another vendor", "isn't Intel's", vendor=bytes(16))
    for version, sizes in ((3, (0, 47, 435, 500, 1012)), (4, (436, 570, 1018))):
        for size in sizes:
            case(f"cut at {size}", "corrupt", version=version, mutate=lambda q, size=size: q[:size])
    case("one byte missing", "corrupt", "a signature of", mutate=lambda q: q[:-1])
    case("one byte more", "corrupt", "a signature of", mutate=lambda q: q + b"\0")
    case("a report of another content", "the quote has a wrong signature", mutate=flip(48 + 64))
    case("a signature of another content", "the quote has a wrong signature", mutate=flip(436))
    case("a key that isn't on the curve", "vouches for", mutate=flip(436 + 64))
    case("signed by another key", "the quote has a wrong signature", quote_key="other")
    case("a key nobody vouches for", "isn't the one that the quoting enclave vouches for", bound_key="other")
    case("a changed quoting enclave's report", "the quoting enclave's report has a wrong signature",
         mutate=flip(436 + 128 + 10))
    case("signed by another processor", "the quoting enclave's report has a wrong signature", qe_sign_key="other")
    case("changed data of the quoting enclave", "vouches for", mutate=flip(436 + 128 + 384 + 64 + 2))
    case("certification of another kind", "certification data of type 3",
         mutate=put(436 + 128 + 384 + 64 + 2 + 32, b"\3\0"))
    case("no certificates", "without a chain", chain=lambda p, c, r: ())
    # certificates
    case("another root is pinned", "doesn't lead to the pinned root", pinned="other_root")
    case("made under another root", "doesn't lead to the pinned root", root_key="other_root")
    case("without the authority between", "doesn't lead to the pinned root", chain=lambda p, c, r: (p, r))
    case("a processor's certificate that has expired", f"certificate {PCK}: certificate has expired",
         pck_end=NOW - DAY)
    case("a revoked processor", f"certificate {PCK}: certificate revoked", revoked=[4])
    case("a revoked authority", f"certificate {PCK_CA}: certificate revoked", root_revoked=[2])
    case("a revoked signer of TCB info", f"certificate {SIGNER}: certificate revoked", root_revoked=[3])
    case("an old list of revoked ones", "CRL has expired", crl_end=NOW - DAY)
    case("an old list of the root's", "CRL has expired", root_crl_end=NOW - DAY)
    case("a list that somebody else signed", "CRL", crl_key="other")
    case("a certificate for something else", "a certificate for Somebody in place of one for " + PCK,
         pck_name="Somebody")
    case("a processor that signs certificates", "may sign certificates", pck_ca_flag=True)
    case("TCB info by something else", f"in place of one for {SIGNER}", signer_name=PCK)
    case("a certificate that is no processor's", "isn't one of a processor",
         chain=lambda p, c, r: (c, p, r))
    # collateral
    case("no collateral for it", "absent", "no collateral for processors of FMSPC 00906ea10001",
         pck_fmspc="00906ea10001")
    case("collateral of another PCEID", "another PCEID", pck_pceid="0001")
    case("changed TCB info", "TCB info has a wrong signature",
         collateral=edit("tcb_info", lambda s: s.replace("OutOfDate", "UpToDate")))
    case("changed QE identity", "QE identity has a wrong signature",
         collateral=edit("qe_identity", lambda s: s.replace("OutOfDate", "UpToDate")))
    case("TCB info signed by another", "TCB info has a wrong signature", info_key="other")
    case("QE identity signed by another", "QE identity has a wrong signature", qe_id_key="other")
    case("a changed signature", "TCB info has a wrong signature", collateral=edit("tcb_info_signature", flip_hex))
    case("QE identity in place of TCB info", '"tcb_info" is missing',
         collateral=lambda c: c.update(tcb_info=c["qe_identity"], tcb_info_signature=c["qe_identity_signature"]))
    for name in ("tcb_info", "qe_identity", "pck_crl", "root_ca_crl", "tcb_info_issuer_chain",
                 "qe_identity_issuer_chain", "pck_crl_issuer_chain", "tcb_info_signature", "qe_identity_signature"):
        case(f"no {name}", "corrupt", f'"{name}" is missing', collateral=without(name))
    case("TCB info of another version", "TCB info isn't what it should be", info_version=2)
    case("TCB info of TDX", "TCB info isn't what it should be", info_id="TDX")
    case("TCB info that has expired", "TCB info has expired", next=NOW - DAY)
    case("TCB info of the future", "TCB info is of the future", issued=NOW + DAY)
    case("QE identity that has expired", "QE identity has expired", qe_next=NOW - DAY)
    case("QE identity of the future", "QE identity is of the future", qe_issued=NOW + DAY)
    # the processor's and the quoting enclave's state
    case("hardening needed", "permission", "TCB is SWHardeningNeeded", components=[4] * 16)
    case("hardening needed and accepted", "ok", components=[4] * 16, statuses="UpToDate SWHardeningNeeded")
    case("one component behind", "TCB is SWHardeningNeeded", components=[5] * 15 + [4])
    case("PCE behind", "TCB is OutOfDate,", pcesvn=9)
    case("out of date", "TCB is OutOfDate,", components=[3] * 16)
    case("out of date and accepted", "ok", components=[3] * 16, statuses="UpToDate OutOfDate")
    case("a revoked TCB", "TCB is Revoked", components=[1] * 16,
         statuses="UpToDate SWHardeningNeeded OutOfDate")
    case("older than any", "older than any that Intel knows", components=[0] * 16)
    case("revoked isn't accepted", "is no status of a TCB", statuses="UpToDate Revoked")
    case("a quoting enclave out of date", "TCB is UpToDate, its quoting enclave OutOfDate", qe_svn=7)
    case("a revoked quoting enclave", "its quoting enclave Revoked", qe_svn=5,
         statuses="UpToDate OutOfDate")
    case("a quoting enclave older than any", "quoting enclave is older", qe_svn=0)
    case("a quoting enclave of another signer", "no quoting enclave of Intel's", qe_signer=b"\1" * 32)
    case("another product of Intel's", "no quoting enclave of Intel's", qe_product=2)
    case("a debug quoting enclave", "no quoting enclave of Intel's", qe_flags=0x13)
    case("another MISCSELECT", "no quoting enclave of Intel's", qe_misc=1)
    # the enclave
    case("a debug enclave", "permission", "a debug enclave", flags=7)
    case("not initialized", "isn't initialized", flags=4)
    case("report data of another session", "another session", transcript=bytes(32))
    case("report data with something more", "another session",
         report_data=hashlib.sha256(b"scwatcher enclave 1" + TRANSCRIPT).digest() + b"\1")


def recorded():
    if not (DATA / "quote").exists():
        print("quotes: the recorded quote isn't there: skipped that part")
        return
    root, collateral = (DATA / "root.pem").read_text(), (DATA / "collateral.json").read_text()
    quote = (DATA / "quote").read_bytes()
    key = x509.load_pem_x509_certificate(root.encode()).public_key()
    octets = key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    expect("Intel's root", octets.hex(), INTEL_ROOT_KEY)
    then = datetime.datetime(2025, 6, 25)
    every = "UpToDate SWHardeningNeeded ConfigurationNeeded ConfigurationAndSWHardeningNeeded OutOfDate " \
        "OutOfDateConfigurationNeeded"

    def check(name, *wanted, root=root, collateral=collateral, quote=quote, then=then, statuses=every):
        expect("recorded: " + name, run(root, collateral, quote, then, statuses), *wanted)

    def flipped(at):
        return quote[:at] + bytes([quote[at] ^ 1]) + quote[at + 1:]

    # everything is right but that it was made for another session
    check("as it is", "tampered", "another session")
    check("its state", "permission", "TCB is ConfigurationAndSWHardeningNeeded, its quoting enclave UpToDate", statuses="")
    check("a year later", "expired", then=datetime.datetime(2026, 6, 25))
    check("before", "tampered", then=datetime.datetime(2025, 6, 1))
    check("another report", "the quote has a wrong signature", quote=flipped(48 + 70))
    check("another quoting enclave", "report has a wrong signature", quote=flipped(436 + 128 + 70))
    check("cut short", "corrupt", quote=quote[:-100])
    check("a root of our own", "doesn't lead to the pinned root", root=make(world())[0])
    check("nothing known", "no collateral for processors of FMSPC 00a067110000", collateral=None)
    changed = json.loads(collateral)
    changed["tcb_info"] = changed["tcb_info"].replace('"svn":11', '"svn":10', 1)
    check("changed collateral", "TCB info has a wrong signature", collateral=json.dumps(changed))


def leave(folder, svn):
    w = world()
    w["components"] = [svn] * 16
    root, collateral, quote = make(w)
    (folder / "collateral").mkdir(parents=True)
    (folder / "root.pem").write_text(root)
    (folder / "collateral/made-up.json").write_text(collateral)
    (folder / "quote").write_bytes(quote)
    (folder / "quote.key").write_bytes(KEYS["quote"].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


if CHECK == "--make":
    leave(DATA, int(sys.argv[3]))
    sys.exit(0)
made_up()
recorded()
print(f"quotes: {len(failures)} failures")
sys.exit(1 if failures else 0)
