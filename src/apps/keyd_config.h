// The key server's configuration file (TOML): addresses, paths, TLS, peer, log. Read once at start and never
// written by the program; every other setting lives in the keystore. Values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apps/anchor_keeper.h"
#include "base/env.h"
#include "base/uuid.h"

namespace tapewarden::apps {

struct ListenConfig {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;
};

struct PeerConfig {
  Uuid id;
  std::string name;
  std::string host;
  std::uint16_t port = 1443;
  std::string signing_certificate;   // path
  std::string exchange_certificate;  // path
};

struct AuditConfig {
  unsigned checkpoint_hours = 24;           // between two signed checkpoints
  std::optional<net::SyslogTarget> syslog;  // where checkpoints go besides; nothing: nowhere
  std::string syslog_text;                  // as written
  SyslogFilter filter;                      // which events go there too
};

// An old key server that is asked for what KMIP clients of one owner look for and is not here (K20): a
// section [[kmip.read_through]].
struct ReadThroughConfig {
  std::string owner;  // the client, or the group in which clients share
  std::string host;
  std::uint16_t port = 5696;
  std::string certificate;    // path: what is shown there
  std::string key;            // path: its private key
  std::string authorities;    // path: who vouches for that server
  std::string user;           // empty: none is shown
  std::string password_file;  // path; empty without a user
  unsigned timeout_seconds = 10;
};

inline constexpr std::size_t kMostReadThroughs = 8;  // their files go into backups

// The KMIP port (K21): only with a section [kmip].
struct KmipConfig {
  ListenConfig listen{"127.0.0.1", 5696};
  std::optional<std::uint16_t> https_port;  // at the same address; nothing: not offered
  bool tls_1_2 = true;                      // beside 1.3: the firmware of most libraries has no other
  std::string authorities;                  // path: who vouches for clients; empty: those of [tls]
  std::string key_group = "KMIP";
  std::size_t message_bytes = 1U << 20;
  unsigned connections = 1024;
  unsigned connections_per_address = 256;
  unsigned requests = 64;     // of one connection at once
  unsigned idle_minutes = 0;  // then a silent connection is closed; 0: never
  unsigned batch_items = 64;  // of one message
  std::size_t located = 10'000;
  std::size_t searched = 100'000;  // objects that one search looks at
  unsigned lease_seconds = 3600;
  // Connections that have not shown a certificate yet, and seconds until they must have; until a message that
  // has begun must be whole; and that a client may take no byte of what is sent to it.
  unsigned handshakes = 256;
  unsigned handshake_seconds = 10;
  unsigned message_seconds = 30;
  unsigned answer_seconds = 30;
  // What takes a processor long.
  unsigned rsa_bits = 8192;                     // of keys that are made here
  unsigned derivation_rounds = 1'000'000;       // of PBKDF2 in one item
  std::vector<ReadThroughConfig> read_through;  // no two of one owner
};

// Paths are absolute after reading: relative ones count from the configuration file's folder.
struct KeydConfig {
  std::string path;  // of the file itself
  Uuid server_id;
  std::string server_name;
  std::string data_directory;
  std::string master_key_file;
  std::string passphrase_file;  // empty: the credential, or ask at the terminal
  std::string credential;       // name of a systemd credential that holds the passphrase; empty: none
  ListenConfig dkx{"127.0.0.1", 3801};
  ListenConfig https{"127.0.0.1", 1443};
  std::string tls_certificate;
  std::string tls_key;
  std::string tls_authorities;
  std::vector<std::string> name_servers;  // for the peer's name; empty: the system's resolver
  std::optional<KmipConfig> kmip;
  std::optional<PeerConfig> peer;
  AuditConfig audit;
  std::string log_level = "info";
  unsigned threads = 0;      // 0: one for each processor
  unsigned sweep_hours = 6;  // between two checks of every row while serving

  std::string keystore_path() const { return data_directory + "/keystore.db"; }
  std::string audit_directory() const { return data_directory + "/audit"; }
};

// kInvalidArgument naming the key and line at fault; an unknown key is an error, so that a misspelt one is
// noticed.
Result<KeydConfig> read_keyd_config(Disk& disk, const std::string& path);

// The text of a configuration file with comments, as `site init` writes it. Paths as given.
std::string write_keyd_config(const KeydConfig& config);
// Its section of the other key server alone.
std::string write_peer(const PeerConfig& peer);

}  // namespace tapewarden::apps
