#!/usr/bin/env python3
"""Opens a file of shared keys without Tapewarden (docs/formats/shared-keys.md describes the bytes).

  decode_shared_keys.py FILE                     shows the header
  decode_shared_keys.py FILE --envelope PATH     writes the CMS envelope that holds the file key, for
      openssl cms -decrypt -inform DER -in PATH -inkey recipient.key -out file.key
  decode_shared_keys.py FILE --signer PATH       writes the signer's certificate (DER)
  decode_shared_keys.py FILE FILE.KEY            checks the signature and every tag, prints each key

FILE.KEY holds the 32 bytes of the file key. Needs Python 3.9 and, for the last form, python3-cryptography.
"""
import hashlib, json, struct, sys


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        assert self.at + count <= len(self.data), "cut short"
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def sized(self, width):
        return self.take(self.number(width))


def read_header(data):
    start = Cursor(data)
    assert start.take(8) == b"TWSHARED" and start.number(2) == 1, "no file of shared keys of version 1"
    body = Cursor(start.sized(4))
    header = {"file": body.take(16).hex(), "made_ms": body.number(8), "sender": body.sized(2).decode()}
    header |= {"server": body.take(16).hex(), "keys": body.number(4), "recipient": body.take(32).hex()}
    header["recipient_identity"] = body.take(32).hex()
    signer, envelope = body.sized(4), body.sized(4)
    header["signer_sha256"] = hashlib.sha256(signer).hexdigest()
    assert body.at == len(body.data)
    return header, signer, envelope, start.at


def derive(key, digest, info):
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return AESGCM(HKDF(hashes.SHA256(), 32, digest, info).derive(key))


def open_chunks(data, at, cipher, digest):
    content, number, final = [], 0, False
    while not final:
        frame = struct.unpack_from(">I", data, at)[0]
        final, size = frame >> 31 == 1, frame & 0x7FFFFFFF
        nonce = bytes([final, 0, 0, 0]) + struct.pack(">Q", number)
        content.append(cipher.decrypt(nonce, data[at + 4 : at + 20 + size], digest + data[at : at + 4]))
        at, number = at + 20 + size, number + 1
    return b"".join(content), at


def check_signature(data, at, signer):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    end = Cursor(data[at:])
    signature = end.sized(2)
    assert end.at == len(end.data), "something follows the signature"
    message = b"tapewarden shared keys signature\n" + hashlib.sha256(data[:at]).digest()
    x509.load_der_x509_certificate(signer).public_key().verify(signature, message, ec.ECDSA(hashes.SHA256()))


def text16(t):
    return struct.pack(">H", len(t)) + t


def print_keys(content, cipher):
    records, count = Cursor(content), 0
    while True:
        kind, body = records.number(1), Cursor(records.sized(4))
        if kind == 2:
            assert body.number(4) == count and records.at == len(content)
            return
        alias, state = body.sized(2), body.number(1)
        times = [body.number(8) for _ in range(4)]
        owner, group, fingerprint, box = body.take(16), body.sized(2), body.take(16), body.sized(2)
        key = cipher.decrypt(box[:12], box[12:], text16(b"shared key") + text16(alias) + fingerprint)
        print(json.dumps({"alias": alias.decode(), "state": state, "times_ms": times, "owner": owner.hex(),
                          "group": group.decode(), "fingerprint": fingerprint.hex(), "key": key.hex()}))
        count += 1


def main():
    data = open(sys.argv[1], "rb").read()
    header, signer, envelope, at = read_header(data)
    if len(sys.argv) == 2:
        print(json.dumps(header, indent=1))
    elif sys.argv[2] in ("--envelope", "--signer"):
        open(sys.argv[3], "wb").write(envelope if sys.argv[2] == "--envelope" else signer)
    else:
        file_key, digest = open(sys.argv[2], "rb").read(), hashlib.sha256(data[:at]).digest()
        content, end = open_chunks(data, at, derive(file_key, digest, b"tapewarden shared chunks"), digest)
        check_signature(data, end, signer)
        print_keys(content, derive(file_key, digest, b"tapewarden shared secrets"))


if len(sys.argv) < 2:
    sys.exit(__doc__)
main()
