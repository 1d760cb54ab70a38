#include "apps/keyd_config.h"

#include <algorithm>
#include <set>
#include <span>
#include <sstream>

#include "config/toml_file.h"
#include "net/resolver.h"

namespace tapewarden::apps {

namespace {

using config::quoted;
using config::Section;

constexpr std::uint64_t kLongestSweepHours = 744;  // a month
constexpr std::uint64_t kLongestCheckpointHours = 744;
constexpr std::uint64_t kMostKmipConnections = 65'536;
constexpr std::uint64_t kMostKmipRequests = 1024;
constexpr std::uint64_t kLongestIdleMinutes = 43'200;  // 30 days
constexpr std::uint64_t kMostLocated = 1'000'000;
constexpr std::uint16_t kKmipHttpsPort = 5697;
constexpr std::uint64_t kLeastKmipMessage = 16U << 10;
constexpr std::uint64_t kMostKmipMessage = 64U << 20;
constexpr std::uint64_t kMostBatchItems = 1024;
constexpr std::uint64_t kMostSearched = 100'000'000;
constexpr std::uint64_t kLongestLease = 31'536'000;  // a year
constexpr std::uint64_t kMostKmipHandshakes = 65'536;
constexpr std::uint64_t kLongestKmipWait = 3600;  // seconds: who is slower than that keeps others out
constexpr std::uint64_t kLeastRsaBits = 2048;
constexpr std::uint64_t kMostRsaBits = 16'384;
constexpr std::uint64_t kLeastRounds = 1'000;
constexpr std::uint64_t kMostRounds = 100'000'000;
constexpr std::uint64_t kLongestPatience = 120;  // seconds; clients wait meanwhile

Result<ListenConfig> read_listen(Section section, std::uint16_t port) {
  ListenConfig listen;
  listen.address = TRY(section.text("address", "127.0.0.1"));
  listen.port = static_cast<std::uint16_t>(TRY(section.number("port", 0, 65535, port)));
  TRY(section.no_others());
  return listen;
}

Result<std::optional<PeerConfig>> read_peer(Section section) {
  if (!section.present()) return std::nullopt;
  PeerConfig peer;
  peer.id = TRY(section.uuid("id"));
  peer.name = TRY(section.text("name"));
  peer.host = TRY(section.text("host"));
  if (peer.host.empty()) return section.wrong("host", "give the other server's name or address");
  peer.port = static_cast<std::uint16_t>(TRY(section.number("port", 1, 65535, 1443)));
  peer.signing_certificate = TRY(section.path("signing_certificate"));
  peer.exchange_certificate = TRY(section.path("exchange_certificate"));
  TRY(section.no_others());
  return peer;
}

Status read_server(Section section, KeydConfig& config) {
  config.server_id = TRY(section.uuid("id"));
  config.server_name = TRY(section.text("name"));
  config.data_directory = TRY(section.path("data"));
  config.threads = static_cast<unsigned>(TRY(section.number("threads", 0, 64, 0)));
  config.sweep_hours = static_cast<unsigned>(TRY(section.number("sweep_hours", 1, kLongestSweepHours, 6)));
  return section.no_others();
}

Status read_unlock(Section section, KeydConfig& config) {
  config.master_key_file = TRY(section.path("master_key_file"));
  config.passphrase_file = TRY(section.path("passphrase_file", ""));
  config.credential = TRY(section.text("credential", ""));
  if (!config.credential.empty() && !config.passphrase_file.empty()) {
    return fail(ErrorCode::kInvalidArgument, "a passphrase file and a credential are named",
                "unlock.credential", "keep one of the two");
  }
  if (config.credential.find('/') != std::string::npos || config.credential.starts_with('.')) {
    return fail(ErrorCode::kInvalidArgument, "this is no name of a credential", "unlock.credential",
                "give the name in LoadCredential= of the unit");
  }
  return section.no_others();
}

Status read_tls(Section section, KeydConfig& config) {
  config.tls_certificate = TRY(section.path("certificate"));
  config.tls_key = TRY(section.path("key"));
  config.tls_authorities = TRY(section.path("authorities"));
  return section.no_others();
}

Status read_network(Section section, KeydConfig& config) {
  config.name_servers = TRY(section.texts("name_servers"));
  const auto resolver = net::make_resolver(config.name_servers);
  if (!resolver) return section.wrong("name_servers", resolver.error().remedy);
  return section.no_others();
}

// The names of one enumeration; `all` gives them all.
template <typename Enum>
Status read_names(Section& section, const std::string& key, std::span<const Enum> all,
                  std::optional<Enum> (*parse)(std::string_view), std::set<Enum>& out) {
  for (const auto& name : TRY(section.texts(key))) {
    if (name == "all") {
      out.insert(all.begin(), all.end());
      continue;
    }
    const auto value = parse(name);
    if (!value) {
      std::string remedy = "give \"all\" or some of";
      for (const auto known : all) remedy += " \"" + std::string(audit::to_string(known)) + "\"";
      return section.wrong(key, remedy);
    }
    out.insert(*value);
  }
  return {};
}

Status read_audit(Section section, AuditConfig& config) {
  config.checkpoint_hours =
      static_cast<unsigned>(TRY(section.number("checkpoint_hours", 1, kLongestCheckpointHours, 24)));
  config.syslog_text = TRY(section.text("syslog", ""));
  if (!config.syslog_text.empty()) {
    const auto target = net::parse_syslog_target(config.syslog_text);
    if (!target) return section.wrong("syslog", target.error().remedy);
    config.syslog = *target;
  }
  TRY(read_names<audit::EventType>(section, "syslog_types", audit::all_event_types(), audit::parse_event_type,
                                   config.filter.types));
  TRY(read_names<audit::Outcome>(section, "syslog_outcomes", audit::all_outcomes(), audit::parse_outcome,
                                 config.filter.outcomes));
  if (config.filter.outcomes.empty()) {
    config.filter.outcomes = {audit::all_outcomes().begin(), audit::all_outcomes().end()};
  }
  if (!config.filter.types.empty() && !config.syslog) {
    return section.wrong("syslog_types", "say in audit.syslog where they shall go, or take this away");
  }
  return section.no_others();
}

Result<unsigned> read_count(Section& section, const std::string& key, std::uint64_t low, std::uint64_t high,
                            unsigned otherwise) {
  return static_cast<unsigned>(TRY(section.number(key, low, high, otherwise)));
}

// How long a client may keep others waiting, and how much a processor.
Status read_kmip_patience(Section& section, KmipConfig& kmip) {
  kmip.handshakes = TRY(read_count(section, "handshakes", 1, kMostKmipHandshakes, kmip.handshakes));
  kmip.handshake_seconds =
      TRY(read_count(section, "handshake_seconds", 1, kLongestKmipWait, kmip.handshake_seconds));
  kmip.message_seconds =
      TRY(read_count(section, "message_seconds", 1, kLongestKmipWait, kmip.message_seconds));
  kmip.answer_seconds = TRY(read_count(section, "answer_seconds", 1, kLongestKmipWait, kmip.answer_seconds));
  kmip.rsa_bits = TRY(read_count(section, "rsa_bits", kLeastRsaBits, kMostRsaBits, kmip.rsa_bits));
  kmip.derivation_rounds =
      TRY(read_count(section, "derivation_rounds", kLeastRounds, kMostRounds, kmip.derivation_rounds));
  return {};
}

Result<std::string> read_filled(Section& section, const std::string& key, const std::string& remedy) {
  auto text = TRY(section.text(key));
  if (text.empty()) return section.wrong(key, remedy);
  return text;
}

Result<ReadThroughConfig> read_read_through(Section& section) {
  ReadThroughConfig out;
  out.owner = TRY(read_filled(section, "owner", "give the KMIP client's name, or the group's"));
  out.host = TRY(read_filled(section, "host", "give the old server's name or address"));
  out.port = static_cast<std::uint16_t>(TRY(section.number("port", 1, 65535, out.port)));
  out.certificate = TRY(section.path("certificate"));
  out.key = TRY(section.path("key"));
  out.authorities = TRY(section.path("authorities"));
  out.user = TRY(section.text("user", ""));
  out.password_file = TRY(section.path("password_file", ""));
  if (out.user.empty() != out.password_file.empty()) {
    return section.wrong("user", "give both user and password_file, or neither");
  }
  out.timeout_seconds = TRY(read_count(section, "timeout_seconds", 1, kLongestPatience, out.timeout_seconds));
  TRY(section.no_others());
  return out;
}

Result<std::vector<ReadThroughConfig>> read_read_throughs(Section& kmip) {
  std::vector<ReadThroughConfig> out;
  for (auto& section : TRY(kmip.sections("read_through"))) {
    auto one = TRY(read_read_through(section));
    if (std::ranges::find(out, one.owner, &ReadThroughConfig::owner) != out.end()) {
      return section.wrong("owner", "one old server is asked for each owner: take the other one away");
    }
    if (out.size() == kMostReadThroughs) {
      return section.wrong("owner",
                           "no more than 8 old servers: let clients share an owner, or migrate some");
    }
    out.push_back(std::move(one));
  }
  return out;
}

Result<std::optional<KmipConfig>> read_kmip(Section section) {
  if (!section.present()) return std::nullopt;
  KmipConfig kmip;
  kmip.listen.address = TRY(section.text("address", kmip.listen.address));
  kmip.listen.port = static_cast<std::uint16_t>(TRY(section.number("port", 0, 65535, kmip.listen.port)));
  if (TRY(section.flag("https", false))) kmip.https_port = kKmipHttpsPort;
  const auto https_port = TRY(section.number("https_port", 0, 65535, kKmipHttpsPort));
  if (kmip.https_port) kmip.https_port = static_cast<std::uint16_t>(https_port);
  const auto tls = TRY(section.text("tls", "1.2"));
  if (tls != "1.2" && tls != "1.3") {
    return section.wrong("tls", "give \"1.2\" (and 1.3 besides) or \"1.3\" (alone)");
  }
  kmip.tls_1_2 = tls == "1.2";
  kmip.authorities = TRY(section.path("authorities", ""));
  kmip.key_group = TRY(section.text("key_group", kmip.key_group));
  kmip.message_bytes = TRY(section.size("message", kLeastKmipMessage, kMostKmipMessage, kmip.message_bytes));
  kmip.connections = TRY(read_count(section, "connections", 1, kMostKmipConnections, kmip.connections));
  kmip.connections_per_address = TRY(
      read_count(section, "connections_per_address", 1, kMostKmipConnections, kmip.connections_per_address));
  kmip.requests = TRY(read_count(section, "requests", 1, kMostKmipRequests, kmip.requests));
  kmip.idle_minutes = TRY(read_count(section, "idle_minutes", 0, kLongestIdleMinutes, kmip.idle_minutes));
  kmip.located = TRY(section.number("located", 1, kMostLocated, kmip.located));
  kmip.batch_items = TRY(read_count(section, "batch_items", 1, kMostBatchItems, kmip.batch_items));
  kmip.searched = TRY(section.number("searched", 1, kMostSearched, kmip.searched));
  kmip.lease_seconds = TRY(read_count(section, "lease_seconds", 1, kLongestLease, kmip.lease_seconds));
  TRY(read_kmip_patience(section, kmip));
  kmip.read_through = TRY(read_read_throughs(section));
  TRY(section.no_others());
  return kmip;
}

Status read_log(Section section, KeydConfig& config) {
  config.log_level = TRY(section.text("level", "info"));
  return section.no_others();
}

}  // namespace

Result<KeydConfig> read_keyd_config(Disk& disk, const std::string& path) {
  auto file = TRY(config::TomlFile::read(disk, path));
  for (const auto* name :
       {"server", "unlock", "dkx", "https", "kmip", "tls", "network", "audit", "peer", "log"}) {
    (void)file.section(name);
  }
  TRY(file.no_other_sections());
  KeydConfig config;
  config.path = path;
  TRY(read_server(file.section("server"), config));
  TRY(read_unlock(file.section("unlock"), config));
  TRY(read_tls(file.section("tls"), config));
  config.dkx = TRY(read_listen(file.section("dkx"), config.dkx.port));
  config.https = TRY(read_listen(file.section("https"), config.https.port));
  config.kmip = TRY(read_kmip(file.section("kmip")));
  TRY(read_network(file.section("network"), config));
  TRY(read_audit(file.section("audit"), config.audit));
  config.peer = TRY(read_peer(file.section("peer")));
  TRY(read_log(file.section("log"), config));
  return config;
}

namespace {

// Two servers of one machine cannot both have the usual ports: the draft of one of them names the next two.
KmipConfig drafted_kmip(const KeydConfig& config) {
  KmipConfig kmip;
  const bool here = config.peer && (config.peer->host == config.https.address ||
                                    config.peer->host == "127.0.0.1" || config.peer->host == "localhost");
  if (!here || config.https.port <= config.peer->port) return kmip;
  kmip.listen.port = kKmipHttpsPort + 1;
  kmip.https_port = kKmipHttpsPort + 2;
  return kmip;
}

void write_read_through(std::ostringstream& out, const ReadThroughConfig& one) {
  out << "[[kmip.read_through]]   # what clients of this owner lack is asked for there, and kept here\n"
      << "owner = " << quoted(one.owner) << "   # the client, or the group in which clients share\n"
      << "host = " << quoted(one.host) << "\n"
      << "port = " << one.port << "\n"
      << "certificate = " << quoted(one.certificate) << "   # PEM: what is shown there\n"
      << "key = " << quoted(one.key) << "\n"
      << "authorities = " << quoted(one.authorities) << "   # PEM: who vouches for that server\n"
      << (one.user.empty() ? "# " : "") << "user = " << quoted(one.user)
      << "   # where it asks for one besides\n"
      << (one.user.empty() ? "# " : "") << "password_file = " << quoted(one.password_file) << "\n"
      << "timeout_seconds = " << one.timeout_seconds << "   # that a client waits for it at most\n\n";
}

// Commented out where it is not in use.
void write_kmip(std::ostringstream& out, const KeydConfig& whole) {
  const auto& config = whole.kmip;
  const KmipConfig kmip = config ? *config : drafted_kmip(whole);
  const std::string_view mark = config ? "" : "# ";
  out << "# Tape libraries and other KMIP clients; without this section nothing listens for them.\n"
      << mark << "[kmip]\n"
      << mark << "address = " << quoted(kmip.listen.address) << "\n"
      << mark << "port = " << kmip.listen.port << "\n"
      << mark << "https = " << (config && config->https_port ? "true" : "false")
      << "             # messages in XML, JSON and TTLV by POST to /kmip\n"
      << mark << "https_port = " << kmip.https_port.value_or(kKmipHttpsPort) << "\n"
      << mark << "tls = " << quoted(kmip.tls_1_2 ? "1.2" : "1.3")
      << "            # the oldest that is spoken\n"
      << mark << "authorities = " << quoted(kmip.authorities)
      << "       # PEM: who vouches for KMIP clients; empty: those of [tls]\n"
      << mark << "key_group = " << quoted(kmip.key_group)
      << "     # where AES-256 keys for them are taken from\n"
      << mark << "message = " << kmip.message_bytes << "         # bytes of one request at most\n"
      << mark << "connections = " << kmip.connections << "\n"
      << mark << "connections_per_address = " << kmip.connections_per_address << "\n"
      << mark << "requests = " << kmip.requests << "             # of one connection at once\n"
      << mark << "idle_minutes = " << kmip.idle_minutes << "          # 0: silent connections stay\n"
      << mark << "batch_items = " << kmip.batch_items << "          # of one message\n"
      << mark << "located = " << kmip.located << "           # identifiers in one answer\n"
      << mark << "searched = " << kmip.searched << "         # objects that one search looks at\n"
      << mark << "lease_seconds = " << kmip.lease_seconds << "\n"
      << mark << "handshakes = " << kmip.handshakes << "          # connections without a certificate yet\n"
      << mark << "handshake_seconds = " << kmip.handshake_seconds << "\n"
      << mark << "message_seconds = " << kmip.message_seconds << "      # from its first byte to its last\n"
      << mark << "answer_seconds = " << kmip.answer_seconds
      << "       # that a client may take no byte of it\n"
      << mark << "rsa_bits = " << kmip.rsa_bits << "            # of keys that are made here\n"
      << mark << "derivation_rounds = " << kmip.derivation_rounds << " # of PBKDF2 in one item\n\n";
  for (const auto& one : kmip.read_through) write_read_through(out, one);
}

}  // namespace

std::string write_peer(const PeerConfig& peer) {
  std::ostringstream out;
  out << "[peer]               # the other key server of the pair\n"
      << "id = " << quoted(peer.id.text()) << "\n"
      << "name = " << quoted(peer.name) << "\n"
      << "host = " << quoted(peer.host) << "\n"
      << "port = " << peer.port << "\n"
      << "signing_certificate = " << quoted(peer.signing_certificate) << "\n"
      << "exchange_certificate = " << quoted(peer.exchange_certificate) << "\n";
  return out.str();
}

std::string write_keyd_config(const KeydConfig& config) {
  std::ostringstream out;
  out << "# Tapewarden key server " << quoted(config.server_name)
      << ". Read at start; the program never writes it.\n"
      << "# Relative paths count from this file's folder. Every other setting lives in the keystore.\n\n"
      << "[server]\n"
      << "id = " << quoted(config.server_id.text())
      << "      # never change it: it is written into every row\n"
      << "name = " << quoted(config.server_name) << "\n"
      << "data = " << quoted(config.data_directory) << "        # keystore and audit record; a local disk\n"
      << "threads = " << config.threads << "          # 0: one for each processor\n"
      << "sweep_hours = " << config.sweep_hours << "      # between two checks of every row while serving\n\n"
      << "[unlock]\n"
      << "master_key_file = " << quoted(config.master_key_file) << "\n"
      << "# Best kept on another medium than the keystore. Empty: the passphrase is asked for at the "
         "terminal.\n"
      << "passphrase_file = " << quoted(config.passphrase_file) << "\n"
      << "# Instead: a systemd credential (LoadCredential=NAME:PATH or LoadCredentialEncrypted= in the "
         "unit).\n"
      << (config.credential.empty() ? "# credential = \"NAME\"" : "credential = " + quoted(config.credential))
      << "\n\n"
      << "[dkx]                # drives and their proxies\n"
      << "address = " << quoted(config.dkx.address) << "\n"
      << "port = " << config.dkx.port << "\n\n"
      << "[https]              # people, and the other key server\n"
      << "address = " << quoted(config.https.address) << "\n"
      << "port = " << config.https.port << "\n\n";
  write_kmip(out, config);
  out << "[tls]\n"
      << "certificate = " << quoted(config.tls_certificate) << "\n"
      << "key = " << quoted(config.tls_key) << "\n"
      << "authorities = " << quoted(config.tls_authorities) << "   # whose certificates are trusted\n\n";
  out << "[network]\n"
      << "# Who is asked for the addresses of names, in this order; none: whom this machine asks.\n";
  if (config.name_servers.empty()) {
    out << "# name_servers = [\"192.0.2.53\", \"192.0.2.54:53\"]\n\n";
  } else {
    out << "name_servers = [";
    for (std::size_t i = 0; i < config.name_servers.size(); ++i) {
      out << (i == 0 ? "" : ", ") << quoted(config.name_servers[i]);
    }
    out << "]\n\n";
  }
  out << "[audit]\n"
      << "checkpoint_hours = " << config.audit.checkpoint_hours
      << "   # between two signed checkpoints of the audit record\n"
      << "# Where checkpoints go besides the peer: local, udp://HOST:514, tcp://HOST:601\n"
      << (config.audit.syslog ? "" : "# ")
      << "syslog = " << quoted(config.audit.syslog ? config.audit.syslog_text : "local") << "\n"
      << "# Which events go there too: types [\"all\"] or [\"authentication\", \"key_serving\"], outcomes\n"
      << "# [\"success\", \"failure\"]. None unless types are given.\n"
      << "# syslog_types = [\"all\"]\n"
      << "# syslog_outcomes = [\"failure\"]\n\n";
  if (config.peer) out << write_peer(*config.peer) << "\n";
  out << "[log]\n"
      << "level = " << quoted(config.log_level) << "         # debug, info, warning, error\n";
  return out.str();
}

}  // namespace tapewarden::apps
