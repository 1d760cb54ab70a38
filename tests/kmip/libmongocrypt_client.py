#!/usr/bin/python3
"""Drives a KMIP server with libmongocrypt, the C code of MongoDB's drivers, which nobody of this project wrote.

libmongocrypt_client.py PORT CERTIFICATE KEY AUTHORITY: has the library make a data key under a KMIP key (Register,
Activate, Get of a Secret Data), then has it open that data key again with the KMIP key alone (Get): its own check value
says whether it was given the same key. Prints a line for each step; exits with 1 at the first that fails.
"""

import ctypes
import socket
import ssl
import struct
import sys

NEED_KEYS, NEED_KMS, READY, DONE = 3, 4, 5, 6
PIECE = 4096

LIB = ctypes.CDLL("libmongocrypt.so.0")
for name in ("mongocrypt_new", "mongocrypt_ctx_new", "mongocrypt_binary_new", "mongocrypt_binary_new_from_data",
             "mongocrypt_binary_data", "mongocrypt_ctx_next_kms_ctx", "mongocrypt_status_new"):
    getattr(LIB, name).restype = ctypes.c_void_p
LIB.mongocrypt_status_message.restype = ctypes.c_char_p


def pointer(value):
    return ctypes.c_void_p(value)


class Binary:
    """Bytes for the library; they stay where they are as long as this lives."""

    def __init__(self, content=None):
        if content is None:
            self.handle = pointer(LIB.mongocrypt_binary_new())
        else:
            self.kept = ctypes.create_string_buffer(content, len(content))
            self.handle = pointer(LIB.mongocrypt_binary_new_from_data(self.kept, ctypes.c_uint32(len(content))))

    def content(self):
        size = LIB.mongocrypt_binary_len(self.handle)
        return ctypes.string_at(LIB.mongocrypt_binary_data(self.handle), size)


def text(name, value):
    raw = value.encode()
    return b"\x02" + name.encode() + b"\0" + struct.pack("<i", len(raw) + 1) + raw + b"\0"


def document(*elements):
    body = b"".join(elements)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def inner(name, value):
    return b"\x03" + name.encode() + b"\0" + value


def fail(what, owner=None, status_of=None):
    if owner is not None:
        status = pointer(LIB.mongocrypt_status_new())
        status_of(owner, status)
        what += ": " + (LIB.mongocrypt_status_message(status, None) or b"?").decode()
    print("FAIL " + what, flush=True)
    sys.exit(1)


def exchange(kms, port, tls):
    message = Binary()
    if not LIB.mongocrypt_kms_ctx_message(kms, message.handle):
        fail("no message", kms, LIB.mongocrypt_kms_ctx_status)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as plain:
        with tls.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
            connection.sendall(message.content())
            while (needed := LIB.mongocrypt_kms_ctx_bytes_needed(kms)) > 0:
                got = connection.recv(min(needed, PIECE))
                if not got:
                    fail("the connection ended")
                part = Binary(got)
                if not LIB.mongocrypt_kms_ctx_feed(kms, part.handle):
                    fail("the answer is refused", kms, LIB.mongocrypt_kms_ctx_status)


def run(context, port, tls, keys=()):
    """Carries the context to its end; what it made, and how many KMIP messages that took."""
    messages = 0
    result = Binary()
    while True:
        state = LIB.mongocrypt_ctx_state(context)
        if state == NEED_KEYS:
            for key in keys:
                part = Binary(key)
                if not LIB.mongocrypt_ctx_mongo_feed(context, part.handle):
                    fail("the key is refused", context, LIB.mongocrypt_ctx_status)
            LIB.mongocrypt_ctx_mongo_done(context)
        elif state == NEED_KMS:
            while kms := LIB.mongocrypt_ctx_next_kms_ctx(context):
                exchange(pointer(kms), port, tls)
                messages += 1
            if not LIB.mongocrypt_ctx_kms_done(context):
                fail("the KMIP exchange", context, LIB.mongocrypt_ctx_status)
        elif state == READY:
            if not LIB.mongocrypt_ctx_finalize(context, result.handle):
                fail("the end", context, LIB.mongocrypt_ctx_status)
            return result.content(), messages
        elif state == DONE:
            return b"", messages
        else:
            fail("state %d" % state, context, LIB.mongocrypt_ctx_status)


def main():
    port, certificate, key, authority = int(sys.argv[1]), *sys.argv[2:5]
    tls = ssl.create_default_context(cafile=authority)
    tls.load_cert_chain(certificate, key)
    crypt = pointer(LIB.mongocrypt_new())
    providers = Binary(document(inner("kmip", document(text("endpoint", "127.0.0.1:%d" % port)))))
    if not LIB.mongocrypt_setopt_kms_providers(crypt, providers.handle) or not LIB.mongocrypt_init(crypt):
        fail("setting up", crypt, LIB.mongocrypt_status)

    context = pointer(LIB.mongocrypt_ctx_new(crypt))
    master = Binary(document(text("provider", "kmip"), text("endpoint", "127.0.0.1:%d" % port)))
    if not LIB.mongocrypt_ctx_setopt_key_encryption_key(context, master.handle):
        fail("naming the KMIP key", context, LIB.mongocrypt_ctx_status)
    if not LIB.mongocrypt_ctx_datakey_init(context):
        fail("beginning", context, LIB.mongocrypt_ctx_status)
    made, messages = run(context, port, tls)
    if messages != 3:
        fail("%d messages instead of Register, Activate, Get" % messages)
    print("ok   a data key is made under a key that was registered, activated and got", flush=True)

    again = pointer(LIB.mongocrypt_ctx_new(crypt))
    everything = Binary(document())
    if not LIB.mongocrypt_ctx_rewrap_many_datakey_init(again, everything.handle):
        fail("opening it again", again, LIB.mongocrypt_ctx_status)
    _, messages = run(again, port, tls, [made])
    if messages < 1:
        fail("it was opened without asking the server")
    print("ok   the data key opens with the key that Get gives", flush=True)


main()
