#!/usr/bin/python3
"""Puts objects into PyKMIP's server, and prints what a migration must bring over.

pykmip_fill.py PORT CERTIFICATE KEY AUTHORITY: a line for each object, "kind identifier bytes-in-hex".
"""

import sys
import time

from kmip import enums
from kmip.pie import client
from kmip.pie import objects

MASK = [enums.CryptographicUsageMask.ENCRYPT, enums.CryptographicUsageMask.DECRYPT]


def show(connection, kind, identifier):
    print(kind, identifier, connection.get(identifier).value.hex(), flush=True)


def fill(connection):
    active = connection.create(enums.CryptographicAlgorithm.AES, 256, name="active", cryptographic_usage_mask=MASK)
    connection.activate(active)
    show(connection, "active", active)
    waiting = connection.create(enums.CryptographicAlgorithm.AES, 128, name="waiting", cryptographic_usage_mask=MASK)
    show(connection, "waiting", waiting)
    lost = connection.create(enums.CryptographicAlgorithm.AES, 256, name="lost", cryptographic_usage_mask=MASK)
    connection.activate(lost)
    connection.revoke(enums.RevocationReasonCode.KEY_COMPROMISE, lost)
    show(connection, "compromised", lost)
    password = connection.register(objects.SecretData(b"open sesame", enums.SecretDataType.PASSWORD, masks=MASK,
                                                      name="password"))
    show(connection, "secret", password)
    certificateless = connection.register(objects.OpaqueObject(b"\x01\x02\x03", enums.OpaqueDataType.NONE, name="blob"))
    show(connection, "opaque", certificateless)


def main():
    port, certificate, key, authority = sys.argv[1:5]
    for attempt in range(100):
        try:
            with client.ProxyKmipClient(hostname="127.0.0.1", port=int(port), cert=certificate, key=key, ca=authority,
                                        config="none", kmip_version=enums.KMIPVersion.KMIP_1_2) as connection:
                fill(connection)
                return
        except (ConnectionRefusedError, OSError):
            time.sleep(0.2)
    sys.exit("the server does not answer")


if __name__ == "__main__":
    main()
