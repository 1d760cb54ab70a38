#!/usr/bin/python3
"""Runs PyKMIP's server on loopback, as the old key server of a migration.

pykmip_server.py PORT CERTIFICATE KEY AUTHORITY FOLDER: its database and its log are in FOLDER. Ends by a signal.
"""

import logging
import sys

from kmip.services.server import server


def main():
    port, certificate, key, authority, folder = sys.argv[1:6]
    one = server.KmipServer(
        hostname="127.0.0.1",
        port=int(port),
        certificate_path=certificate,
        key_path=key,
        ca_path=authority,
        auth_suite="TLS1.2",
        config_path=None,
        log_path=folder + "/server.log",
        policy_path=folder,
        enable_tls_client_auth=False,
        logging_level="ERROR",
        database_path=folder + "/pykmip.db",
    )
    logging.disable(logging.INFO)
    with one as running:
        running.serve()


if __name__ == "__main__":
    main()
