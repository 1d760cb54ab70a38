#include "apps/join_file.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "apps/keyd_config.h"
#include "apps/site_files.h"
#include "base/text.h"
#include "crypto/hash.h"

namespace tapewarden::apps {

namespace {

constexpr std::string_view kFirstLine = "tapewarden join file 1";
constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kEnd = "-----END CERTIFICATE-----\n";
constexpr std::size_t kMostAuthorities = 16;
constexpr std::size_t kFingerprintBytes = 16;
constexpr std::size_t kGroup = 4;
constexpr std::string_view kRemedy = "have it made anew with `tapewarden-keyd introduce`";

std::unexpected<Error> bad(std::string why, std::string field) {
  return fail(ErrorCode::kInvalidArgument, "this is no join file: " + std::move(why), std::move(field),
              std::string(kRemedy));
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string(".") : path.substr(0, slash);
}

// A path as the configuration file in `folder` names it: from there.
std::string seen_from(const std::string& folder, const std::string& path) {
  return path.starts_with(folder + "/") ? path.substr(folder.size() + 1) : path;
}

// "name: value" at the front of `rest`, which then begins after it.
Result<std::string> take_line(std::string_view& rest, std::string_view name) {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  const std::string before = std::string(name) + ": ";
  if (end == std::string_view::npos || !line.starts_with(before)) {
    return bad("its line \"" + std::string(name) + "\" is missing", std::string(name));
  }
  rest.remove_prefix(end + 1);
  return std::string(line.substr(before.size()));
}

Result<crypto::Certificate> take_certificate(std::string_view& rest, std::string_view what) {
  const std::size_t end = rest.find(kEnd);
  if (!rest.starts_with(kBegin) || end == std::string_view::npos) {
    return bad("a certificate is missing", std::string(what));
  }
  auto certificate = crypto::Certificate::from_pem(rest.substr(0, end + kEnd.size()));
  if (!certificate) return bad(certificate.error().message, std::string(what));
  rest.remove_prefix(end + kEnd.size());
  return *std::move(certificate);
}

bool is_host(const std::string& host) {
  return !host.empty() && host.size() <= 253 &&
         host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:") ==
             std::string::npos;
}

// What has run out makes no pair: the other server would be refused at its first connection.
Status check_valid(const crypto::Certificate& one, std::string_view what, WallTime now) {
  if (one.not_after() >= now) return {};
  return fail(ErrorCode::kInvalidArgument,
              "the other server's certificate for " + std::string(what) + " expired on " +
                  format_utc(one.not_after()),
              "file", "have it renewed there (tapewarden-keyd site-renew), and the join file made anew");
}

// The certificates of a PEM file, one after the other.
Result<std::vector<crypto::Certificate>> read_certificates(Disk& disk, const std::string& path) {
  const auto pem = read_file(disk, path, kJoinFileLimit);
  if (!pem) return in_context(path, pem.error());
  auto all = crypto::Certificate::list_from_pem(as_text(*pem));
  if (!all) return in_context(path, all.error());
  if (all->empty()) return fail(ErrorCode::kInvalidArgument, path + " holds no certificate", "tls");
  return *std::move(all);
}

std::string digits_of(std::string_view fingerprint) {
  std::string out;
  for (const char c : to_lower(fingerprint)) {
    if (c != ' ' && c != ':' && c != '-') out += c;
  }
  return out;
}

bool holds(const std::vector<crypto::Certificate>& all, const crypto::Certificate& one) {
  return std::ranges::any_of(all,
                             [&](const auto& other) { return other.fingerprint() == one.fingerprint(); });
}

// Host and port of "HOST", "HOST:PORT", an IPv6 address as it is, or one in brackets, with a port or without.
std::pair<std::string, std::optional<std::string>> split_address(const std::string& text) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string::npos) return {text, std::nullopt};
    const std::string rest = text.substr(end + 1);
    if (rest.empty()) return {text.substr(1, end - 1), std::nullopt};
    if (rest.starts_with(':')) return {text.substr(1, end - 1), rest.substr(1)};
    return {text, std::nullopt};
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || colon != text.rfind(':')) return {text, std::nullopt};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

// What this server would write is what the other one takes in, or it is told here, where it can be mended.
Status check_acceptable(const std::string& text, const KeydConfig& config) {
  const auto read =
      text.size() <= kJoinFileLimit
          ? JoinFile::parse(text)
          : Result<JoinFile>(fail(ErrorCode::kInvalidArgument, "it is too large", "authorities"));
  if (read) return {};
  const auto& error = read.error();
  std::string remedy = "look at the configuration and at " + folder_of(config.tls_certificate);
  if (error.field == "authorities") {
    remedy = "take the authorities that nobody's certificate needs any more out of " +
             config.tls_authorities + ": a join file holds at most " + std::to_string(kMostAuthorities);
  }
  if (error.field == "name") remedy = "set server.name to at most 64 letters of ASCII, without quotes";
  return fail(ErrorCode::kInvalidArgument, "the other server would refuse the file: " + error.message,
              error.field, std::move(remedy));
}

// No host: the address that the server listens on.
Status set_address(JoinFile& file, const KeydConfig& config, const std::string& text) {
  file.https_port = config.https.port;
  file.host = config.https.address;
  if (text.empty()) {
    if (file.host != "0.0.0.0" && file.host != "::") return {};
    return fail(ErrorCode::kInvalidArgument, "this server listens on every address", "host",
                "say under which name or address the other server reaches it");
  }
  const auto [host, port] = split_address(text);
  file.host = host;
  if (port) {
    file.https_port = static_cast<std::uint16_t>(TRY(parse_number(*port, 1, 65535, "host")));
  }
  if (is_host(file.host)) return {};
  return fail(ErrorCode::kInvalidArgument, "not a host name or address", "host", "give HOST or HOST:PORT");
}

}  // namespace

std::string JoinFile::text() const {
  std::string out = std::string(kFirstLine) + "\nserver: " + server.text() + "\nname: " + name +
                    "\nhost: " + host + "\nhttps: " + std::to_string(https_port) + "\n";
  out += signing.pem() + exchange.pem();
  for (const auto& authority : authorities) out += authority.pem();
  return out;
}

Result<JoinFile> JoinFile::parse(std::string_view text) {
  if (!text.starts_with(kFirstLine) || text.size() <= kFirstLine.size() || text[kFirstLine.size()] != '\n') {
    return bad("its first line is another", "file");
  }
  text.remove_prefix(kFirstLine.size() + 1);
  JoinFile out;
  const auto server = Uuid::parse(TRY(take_line(text, "server")));
  if (!server) return bad(server.error().message, "server");
  out.server = *server;
  out.name = TRY(take_line(text, "name"));
  if (out.name.empty() || out.name.size() > 64 || !is_printable(out.name) ||
      out.name.find_first_of("\"\\") != std::string::npos) {
    return bad("the server's name is none", "name");
  }
  out.host = TRY(take_line(text, "host"));
  if (!is_host(out.host)) return bad("its host is no name or address", "host");
  const auto port = parse_number(TRY(take_line(text, "https")), 1, 65535, "https");
  if (!port) return bad(port.error().message, "https");
  out.https_port = static_cast<std::uint16_t>(*port);
  out.signing = TRY(take_certificate(text, "signing"));
  out.exchange = TRY(take_certificate(text, "exchange"));
  while (!text.empty() && out.authorities.size() <= kMostAuthorities) {
    out.authorities.push_back(TRY(take_certificate(text, "authorities")));
  }
  if (out.authorities.empty() || out.authorities.size() > kMostAuthorities) {
    return bad("it names no authority, or too many", "authorities");
  }
  return out;
}

std::string join_fingerprint(std::string_view text) {
  const Hash256 hash = crypto::sha256(as_bytes(text));
  const std::string hex = to_hex(ByteView(hash).first(kFingerprintBytes));
  std::string out;
  for (std::size_t at = 0; at < hex.size(); at += kGroup) {
    out += (at > 0 ? " " : "") + hex.substr(at, kGroup);
  }
  return out;
}

Result<std::string> introduce(Env env, const IntroduceOptions& options) {
  const KeydConfig config = TRY(read_keyd_config(*env.disk, options.config));
  JoinFile file;
  file.server = config.server_id;
  file.name = config.server_name;
  TRY(set_address(file, config, options.host));
  const std::string tls = folder_of(config.tls_certificate);
  file.signing = TRY(read_certificates(*env.disk, tls + "/signing.crt")).front();
  file.exchange = TRY(read_certificates(*env.disk, tls + "/exchange.crt")).front();
  file.authorities = TRY(read_certificates(*env.disk, config.tls_authorities));
  if (env.disk->exists(options.to)) {
    return fail(ErrorCode::kAlreadyExists, options.to + " is there already", "to", "name a new file");
  }
  const std::string text = file.text();
  TRY(check_acceptable(text, config));
  TRY(write_public(env, options.to, text));
  return join_fingerprint(text);
}

Result<MergeReport> merge_with(Env env, const MergeOptions& options) {
  const KeydConfig config = TRY(read_keyd_config(*env.disk, options.config));
  if (config.peer) {
    return fail(ErrorCode::kConflict, "this server has a peer already: " + config.peer->name, "config",
                "two servers make a pair: take the [peer] lines out of " + options.config +
                    " when its peer holds nothing that this one lacks, and stop that peer");
  }
  const auto bytes = read_file(*env.disk, options.file, kJoinFileLimit);
  if (!bytes) return in_context(options.file, bytes.error());
  const std::string_view text = as_text(*bytes);
  MergeReport report{TRY(JoinFile::parse(text)), {}};
  const std::string fingerprint = join_fingerprint(text);
  if (digits_of(options.fingerprint) != digits_of(fingerprint)) {
    return fail(
        ErrorCode::kUnauthenticated, "the file's fingerprint is not the one given", "fingerprint",
        "ask the people who made it to read theirs aloud; never take it from where the file came from");
  }
  if (report.other.server == config.server_id) {
    return fail(ErrorCode::kInvalidArgument, "this is the server's own join file", "file",
                "name the file of the other server");
  }
  const WallTime now = env.clock->wall_now();
  TRY(check_valid(report.other.signing, "signing", now));
  TRY(check_valid(report.other.exchange, "secrets", now));
  for (const auto& one : report.other.authorities) TRY(check_valid(one, "the authority of its site", now));
  auto authorities = TRY(read_certificates(*env.disk, config.tls_authorities));
  std::string pem;
  for (const auto& one : report.other.authorities) {
    if (!holds(authorities, one)) authorities.push_back(one);
  }
  for (const auto& one : authorities) pem += one.pem();
  const std::string tls = folder_of(config.tls_certificate);
  const std::string named = seen_from(folder_of(options.config), tls);
  TRY(write_public(env, tls + "/peer-signing.crt", report.other.signing.pem()));
  TRY(write_public(env, tls + "/peer-exchange.crt", report.other.exchange.pem()));
  TRY(write_public(env, config.tls_authorities, pem));
  report.lines =
      write_peer({report.other.server, report.other.name, report.other.host, report.other.https_port,
                  named + "/peer-signing.crt", named + "/peer-exchange.crt"});
  return report;
}

}  // namespace tapewarden::apps
