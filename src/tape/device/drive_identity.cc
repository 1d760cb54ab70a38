#include "tape/device/drive_identity.h"

#include <algorithm>

#include "base/text.h"
#include "eedk/wrapping_key_message.h"
#include "tape/device/limits.h"

namespace tapewarden::tape {
namespace {

constexpr std::size_t kSerialLimit = 12;
constexpr std::size_t kEkmDigits = 10;

bool letters_and_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
}

// Whether the subject (RFC 2253) has the attribute OU with exactly this value. A comma or plus inside a value
// is escaped, so only unescaped ones separate.
bool has_unit(const std::string& subject, std::string_view unit) {
  const auto wanted = "OU=" + std::string(unit);
  std::string part;
  for (std::size_t i = 0; i <= subject.size(); ++i) {
    if (i == subject.size() || subject[i] == ',' || subject[i] == '+') {
      if (part == wanted) return true;
      part.clear();
      continue;
    }
    part += subject[i];
    if (subject[i] == '\\' && i + 1 < subject.size()) part += subject[++i];
  }
  return false;
}

std::string in(const std::string& directory, std::string_view name) {
  return directory + "/" + std::string(name);
}

Result<std::string> read_text(Disk& disk, const std::string& path) {
  const auto content = TRY(read_file(disk, path, kMaxPemBytes));
  return std::string(as_text(content));
}

Result<crypto::PrivateKey> read_key(Disk& disk, const std::string& path) {
  auto content = TRY(read_file(disk, path, kMaxPemBytes));
  const auto secret = crypto::SecretBytes::copy_of(content);
  crypto::wipe(content);
  auto key = crypto::PrivateKey::from_pem(secret);
  if (!key) return in_context(path, std::move(key).error());
  return key;
}

struct Names {
  std::string serial;
  std::uint64_t wwnn = 0;
  MediumKind kind = MediumKind::kLto;
};

Result<std::uint64_t> parse_wwnn(std::string_view text) {
  const auto bytes = TRY(from_hex(text));
  if (bytes.size() != 8) return fail(ErrorCode::kInvalidArgument, "a WWNN has 16 hexadecimal digits", "wwnn");
  ByteReader reader(bytes);
  return reader.u64("wwnn");
}

Result<Names> parse_names(std::string_view text) {
  Names names;
  for (const auto& line : split(text, '\n')) {
    const auto trimmed = trim(line);
    if (trimmed.empty()) continue;
    const auto blank = trimmed.find(' ');
    const auto name = trimmed.substr(0, blank);
    const auto value = blank == std::string_view::npos ? std::string_view{} : trim(trimmed.substr(blank));
    if (name == "serial") {
      names.serial = value;
    } else if (name == "wwnn") {
      names.wwnn = TRY(parse_wwnn(value));
    } else if (name == "kind" && (value == "lto" || value == "3592")) {
      names.kind = value == "lto" ? MediumKind::kLto : MediumKind::k3592;
    } else {
      return fail(ErrorCode::kInvalidArgument, "drive.txt has an unknown line", escape_unprintable(trimmed));
    }
  }
  return names;
}

std::string format_names(const DriveIdentitySpec& spec) {
  const auto wwnn = ByteWriter().u64(spec.world_wide_node_name).take();
  return "serial " + spec.serial + "\nwwnn " + to_hex(wwnn) + "\nkind " +
         (spec.kind == MediumKind::kLto ? "lto" : "3592") + "\n";
}

Status check_keys(const DriveIdentitySpec& spec) {
  if (spec.identity_key.empty() || spec.identity_key.kind() != crypto::KeyKind::kEcP256)
    return fail(ErrorCode::kInvalidArgument, "the drive's identity key must be P-256", "identity key");
  if (spec.wrapping_key.empty() || spec.wrapping_key.kind() != crypto::KeyKind::kRsa)
    return fail(ErrorCode::kInvalidArgument, "the drive's wrapping key must be RSA", "wrapping key");
  if (spec.certificate.empty() || !(TRY(spec.certificate.public_key()) == spec.identity_key.public_key()))
    return fail(ErrorCode::kInvalidArgument, "the certificate is not of the identity key", "certificate");
  if (spec.authority.empty() || !spec.certificate.signed_by(spec.authority))
    return fail(ErrorCode::kInvalidArgument, "the site's authority did not sign the drive's certificate",
                "certificate");
  if (spec.pinned_servers.size() > kMaxPinnedServers)
    return fail(ErrorCode::kInvalidArgument, "too many pinned key servers", "servers");
  return {};
}

}  // namespace

Result<std::string> drive_table_serial(std::string_view serial) {
  if (serial.empty() || serial.size() > kSerialLimit || !letters_and_digits(serial))
    return fail(ErrorCode::kInvalidArgument, "a drive serial has 1 to 12 letters and digits", "serial");
  if (serial.size() == kEkmDigits) return "00" + std::string(serial);
  if (serial.size() < kEkmDigits) return std::string(kSerialLimit - serial.size(), '0') + std::string(serial);
  return std::string(serial);
}

DriveIdentity::DriveIdentity(DriveIdentitySpec spec, DriveFacts facts)
    : spec_(std::move(spec)), facts_(std::move(facts)), wrapping_public_(spec_.wrapping_key.public_key()) {
  wrapping_signature_ = spec_.identity_key.sign(eedk::wrapping_key_message(wrapping_public_.spki()));
}

Result<std::shared_ptr<const DriveIdentity>> DriveIdentity::make(DriveIdentitySpec spec) {
  TRY(check_keys(spec));
  DriveFacts facts{TRY(drive_table_serial(spec.serial)), spec.world_wide_node_name, spec.kind};
  return std::shared_ptr<const DriveIdentity>(new DriveIdentity(std::move(spec), std::move(facts)));
}

Result<std::shared_ptr<const DriveIdentity>> DriveIdentity::load(Disk& disk, const std::string& directory) {
  const auto names = TRY(parse_names(TRY(read_text(disk, in(directory, "drive.txt")))));
  DriveIdentitySpec spec{.serial = names.serial, .world_wide_node_name = names.wwnn, .kind = names.kind};
  spec.identity_key = TRY(read_key(disk, in(directory, "identity-key.pem")));
  spec.wrapping_key = TRY(read_key(disk, in(directory, "wrapping-key.pem")));
  spec.certificate = TRY(crypto::Certificate::from_pem(TRY(read_text(disk, in(directory, "identity.pem")))));
  spec.authority = TRY(crypto::Certificate::from_pem(TRY(read_text(disk, in(directory, "authority.pem")))));
  const auto pins = in(directory, "servers.pem");
  if (disk.exists(pins))
    spec.pinned_servers = TRY(crypto::Certificate::list_from_pem(TRY(read_text(disk, pins))));
  return make(std::move(spec));
}

Status DriveIdentity::save(Disk& disk, const std::string& directory) const {
  TRY(disk.make_directories(directory));
  TRY(write_file_atomically(disk, in(directory, "identity-key.pem"), spec_.identity_key.pem().reveal()));
  TRY(write_file_atomically(disk, in(directory, "wrapping-key.pem"), spec_.wrapping_key.pem().reveal()));
  TRY(write_file_atomically(disk, in(directory, "identity.pem"), as_bytes(spec_.certificate.pem())));
  TRY(write_file_atomically(disk, in(directory, "authority.pem"), as_bytes(spec_.authority.pem())));
  std::string pins;
  for (const auto& server : spec_.pinned_servers) pins += server.pem();
  if (!pins.empty()) TRY(write_file_atomically(disk, in(directory, "servers.pem"), as_bytes(pins)));
  return write_file_atomically(disk, in(directory, "drive.txt"), as_bytes(format_names(spec_)));
}

bool DriveIdentity::trusts(const crypto::Certificate& server) const {
  if (server.empty()) return false;
  if (std::ranges::find(spec_.pinned_servers, server) != spec_.pinned_servers.end()) return true;
  return server.signed_by(spec_.authority) && has_unit(server.subject(), kKeyServerUnit);
}

Bytes DriveIdentity::sign(ByteView message) const {
  return spec_.identity_key.sign(message);
}

Result<crypto::SecretBytes> DriveIdentity::unwrap(ByteView wrapped, ByteView oaep_label) const {
  return spec_.wrapping_key.unwrap(wrapped, oaep_label);
}

}  // namespace tapewarden::tape
