#!/usr/bin/env python3
"""Opens a Tapewarden backup file without Tapewarden (docs/formats/backup.md describes the bytes).

  decode_backup.py FILE            shows the header and the openssl commands that give the file key
  decode_backup.py FILE FILE.KEY   checks the signature and every tag, prints each row with its secrets

FILE.KEY holds the 32 bytes of the file key. Needs Python 3.9 and python3-cryptography.
"""
import base64, hashlib, json, struct, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


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
    assert start.take(8) == b"TWBACKUP" and start.number(2) == 1, "no backup file of version 1"
    body = Cursor(start.sized(4))
    header = {"kind": {1: "keystore", 2: "audit"}[body.number(1)], "server": body.take(16).hex()}
    header |= {"name": body.sized(2).decode(), "epoch": body.number(8), "target": body.sized(2).decode()}
    header |= {"domain": body.sized(2).decode(), "base": body.number(4), "increment": body.number(4)}
    header |= {"from": body.number(8), "to": body.number(8), "head": body.take(32).hex()}
    header |= {"predecessor": body.take(32).hex(), "created_ms": body.number(8)}
    signer = x509.load_der_x509_certificate(body.sized(4))
    header["signer_sha256"] = signer.fingerprint(hashes.SHA256()).hex()
    if body.number(1) == 1:
        header |= {"n": body.number(8), "r": body.number(4), "p": body.number(4)}
        header["salt"] = body.take(32).hex()
    header["envelope"] = body.sized(4).hex()
    assert body.at == len(body.data)
    return header, signer, start.at


def commands(h):
    def decoded(hex_text):
        return f"echo {base64.b64encode(bytes.fromhex(hex_text)).decode()} | openssl base64 -d -A"

    opened = decoded(h["envelope"]) + " | openssl cms -decrypt -inform DER -out file.key "
    if "salt" not in h:
        return opened + "-inkey recipient.key"
    return (f"K=$(openssl kdf -keylen 32 -kdfopt pass:PASSPHRASE -kdfopt hexsalt:{h['salt']} -kdfopt n:{h['n']}"
            f" -kdfopt r:{h['r']} -kdfopt p:{h['p']} -kdfopt maxmem_bytes:1073741824 SCRYPT | tr -d ':\\n')\n"
            + opened + "-secretkey $K -secretkeyid 01")


def open_chunks(data, at, key, digest):
    cipher = AESGCM(HKDF(hashes.SHA256(), 32, digest, b"tapewarden backup chunks").derive(key))
    content, number, final = [], 0, False
    while not final:
        frame = struct.unpack_from(">I", data, at)[0]
        final, size = frame >> 31 == 1, frame & 0x7FFFFFFF
        sealed = data[at + 4 : at + 4 + size + 16]
        nonce = bytes([final, 0, 0, 0]) + struct.pack(">Q", number)
        content.append(cipher.decrypt(nonce, sealed, digest + data[at : at + 4]))
        at, number = at + 4 + size + 16, number + 1
    return b"".join(content), at


def value(body):
    tag = body.number(1)
    if tag == 0:
        return None
    if tag == 1:
        return struct.unpack(">q", body.take(8))[0]
    return body.sized(4).decode() if tag == 2 else body.sized(4)


def encoded(v):
    if isinstance(v, int):
        return b"\x01" + struct.pack(">q", v)
    return b"\x02" + struct.pack(">I", len(v.encode())) + v.encode() if isinstance(v, str) else (
        b"\x03" + struct.pack(">I", len(v)) + v)


def text16(t):
    return struct.pack(">H", len(t)) + t


def print_content(content, cipher):
    def secret(place, box):
        return cipher.decrypt(box[:12], box[12:], place)

    records, table, columns = Cursor(content), None, []
    while records.at < len(content):
        kind, body = records.number(1), Cursor(records.sized(4))
        if kind == 1:
            path = body.sized(2)
            body.number(4)
            text = secret(text16(b"site file") + text16(path), body.sized(4))
            print(json.dumps({"site file": path.decode(), "content": text.decode(errors="replace")}))
        elif kind == 2:
            table = body.sized(2)
            columns = [(body.sized(2).decode(), body.number(1)) for _ in range(body.number(2))]
        elif kind == 3:
            row = {"table": table.decode(), "version": body.number(8), "origin": body.take(16).hex(),
                   "commit": body.number(8), "erased": body.number(1) == 1}
            values = [value(body) for _ in columns]
            keys = [v for v, (_, role) in zip(values, columns) if role == 0]
            for v, (name, role) in zip(values, columns):
                if role == 2 and v:
                    place = text16(table) + struct.pack(">H", len(keys)) + b"".join(map(encoded, keys))
                    v = secret(place + text16(name.encode()), v)
                row[name] = v.hex() if isinstance(v, bytes) else v
            print(json.dumps(row))
        elif kind == 6:
            print(body.take(len(body.data)).decode(), end="")


def main(path, key_path=None):
    data = open(path, "rb").read()
    header, signer, start = read_header(data)
    if key_path is None:
        return print(json.dumps(header, indent=2) + "\n\n" + commands(header))
    key, digest = open(key_path, "rb").read(), hashlib.sha256(data[:start]).digest()
    content, end = open_chunks(data, start, key, digest)
    signature = data[end + 2 :]
    assert len(signature) == struct.unpack_from(">H", data, end)[0], "something follows the signature"
    message = b"tapewarden backup signature\n" + hashlib.sha256(data[:end]).digest()
    signer.public_key().verify(signature, message, ec.ECDSA(hashes.SHA256()))
    secrets = HKDF(hashes.SHA256(), 32, digest, b"tapewarden backup secrets").derive(key)
    print_content(content, AESGCM(secrets))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
