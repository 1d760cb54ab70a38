#!/usr/bin/python3
"""Drives a KMIP server with PyKMIP's client, which nobody of this project wrote.

pykmip_client.py PORT CERTIFICATE KEY AUTHORITY: makes, finds, reads, changes and destroys keys in each version that the
client speaks, and prints a line for each. Exits with 1 at the first answer that is not the expected one.
"""

import logging
import sys

from kmip import enums
from kmip.core import exceptions
from kmip.core.factories import attributes
from kmip.pie import client
from kmip.pie import exceptions as pie_exceptions

VERSIONS = (
    enums.KMIPVersion.KMIP_1_0,
    enums.KMIPVersion.KMIP_1_1,
    enums.KMIPVersion.KMIP_1_2,
    enums.KMIPVersion.KMIP_1_3,
    enums.KMIPVersion.KMIP_1_4,
    enums.KMIPVersion.KMIP_2_0,
)
MASK = [enums.CryptographicUsageMask.ENCRYPT, enums.CryptographicUsageMask.DECRYPT]


def expect(good, what):
    print(("ok   " if good else "FAIL ") + what, flush=True)
    if not good:
        sys.exit(1)


def refused(call):
    try:
        call()
    except (pie_exceptions.KmipOperationFailure, exceptions.KmipError):
        return True
    return False


def named(name):
    return attributes.AttributeFactory().create_attribute(
        enums.AttributeType.NAME,
        name)


def run(connection, version):
    text = version.value if isinstance(version.value, str) else version.name
    first = connection.create(enums.CryptographicAlgorithm.AES, 256, name="one " + text,
                              cryptographic_usage_mask=MASK)
    second = connection.create(enums.CryptographicAlgorithm.AES, 256, name="two " + text,
                               cryptographic_usage_mask=MASK)
    expect(first != second, text + ": two keys are made")
    one, two = connection.get(first), connection.get(second)
    expect(len(one.value) == 32 and one.value != two.value, text + ": each is got by its identifier")
    expect(connection.locate(attributes=[named("one " + text)]) == [first], text + ": the first is found by its name")
    expect(connection.locate(attributes=[named("two " + text)]) == [second], text + ": and the second by its own")
    expect(connection.locate(attributes=[named("three " + text)]) == [], text + ": nothing by a name that none has")
    expect(refused(lambda: connection.create(enums.CryptographicAlgorithm.AES, 256, name="one " + text,
                                             cryptographic_usage_mask=MASK)),
           text + ": a name is not given twice")
    uid, found = connection.get_attributes(first, ["Cryptographic Length", "State"])
    expect(uid == first and len(found) == 2, text + ": attributes are read")
    expect("Name" in connection.get_attribute_list(first), text + ": and listed")
    connection.activate(first)
    expect(refused(lambda: connection.destroy(first)), text + ": an active key is not destroyed")
    connection.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, first)
    connection.destroy(first)
    expect(refused(lambda: connection.get(first)), text + ": a destroyed key is not got")
    expect(connection.get(second).value == two.value, text + ": the other one is")


def main():
    port, certificate, key, authority = sys.argv[1:5]
    logging.disable(logging.CRITICAL)
    for version in VERSIONS:
        connection = client.ProxyKmipClient(
            hostname="127.0.0.1", port=int(port), cert=certificate, key=key, ca=authority,
            ssl_version="PROTOCOL_TLSv1_2", kmip_version=version)
        with connection:
            run(connection, version)


main()
