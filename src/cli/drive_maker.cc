#include "cli/drive_maker.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/text.h"
#include "cli/report.h"
#include "eedk/ekm_code.h"
#include "keyproxy/engine/key_servers.h"

namespace tapewarden::cli {

namespace {

constexpr std::size_t kPemLimit = 64U << 10;
constexpr std::chrono::days kLeafLife{2 * 365};
constexpr std::chrono::hours kBackdate{24};
constexpr unsigned kWrappingKeyBits = 2048;
constexpr std::uint64_t kLocallyAssigned = 0x3000'0000'0000'0000;  // NAA 3h, SPC-5 section 7.7.6.6

Result<crypto::SecretBytes> read_secret(Disk& disk, const std::string& path) {
  const auto file = TRY(disk.open(path, OpenMode::kRead));
  auto content = crypto::SecretBytes::zeros(kPemLimit);
  const std::size_t size = TRY(file->read_at(0, content.reveal_mutable()));
  return crypto::SecretBytes::copy_of(content.reveal().first(size));
}

Result<crypto::Certificate> certify(Env env, const crypto::PublicKey& key, const std::string& serial,
                                    const crypto::Certificate& authority,
                                    const crypto::PrivateKey& authority_key) {
  crypto::CertificateSpec spec;
  spec.common_name = serial;
  spec.organizational_unit = std::string(tape::kDriveUnit);
  spec.use = crypto::CertificateUse::kClient;
  spec.not_before = env.clock->wall_now() - kBackdate;
  spec.not_after = env.clock->wall_now() + kLeafLife;
  return crypto::issue_certificate(spec, key, authority, authority_key, *env.random);
}

// As a library shows it, and as the drive table takes it (K1).
Status check_serial(const std::string& serial) {
  const bool plain = std::ranges::all_of(serial, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
  if (plain && (serial.size() == 10 || serial.size() == 12)) return {};
  return fail(ErrorCode::kInvalidArgument,
              "a drive's serial has 10 letters and digits, which get 00 in front, or 12; this one has " +
                  std::to_string(serial.size()),
              "--serial", "for example 1000000001");
}

std::uint64_t random_node_name(Random& random) {
  std::array<std::uint8_t, 8> bytes{};
  random.fill(bytes);
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return kLocallyAssigned | (value >> 4);
}

}  // namespace

Result<std::shared_ptr<const tape::DriveIdentity>> make_drive(Env env, const NewDrive& drive) {
  const std::string folder = drive.site + "/engine/drives/" + drive.serial;
  TRY(check_serial(drive.serial));
  if (env.disk->exists(folder)) {
    return fail(ErrorCode::kAlreadyExists, "there is a drive " + drive.serial + " already", "--serial");
  }
  const Bytes pem = TRY(read_file(*env.disk, drive.site + "/ca/authority.crt", kPemLimit));
  tape::DriveIdentitySpec spec;
  spec.authority = TRY(crypto::Certificate::from_pem(as_text(pem)));
  const auto authority_key =
      TRY(crypto::PrivateKey::from_pem(TRY(read_secret(*env.disk, drive.site + "/ca/authority.key"))));
  spec.serial = drive.serial;
  spec.kind = drive.kind;
  spec.world_wide_node_name =
      drive.world_wide_node_name != 0 ? drive.world_wide_node_name : random_node_name(*env.random);
  spec.identity_key = crypto::PrivateKey::generate_p256();
  spec.certificate =
      TRY(certify(env, spec.identity_key.public_key(), drive.serial, spec.authority, authority_key));
  spec.wrapping_key = crypto::PrivateKey::generate_rsa(kWrappingKeyBits);
  auto identity = TRY(tape::DriveIdentity::make(std::move(spec)));
  TRY(identity->save(*env.disk, folder));
  return identity;
}

Result<Enrolment> enrol_drive(DriveBench& bench) {
  return enrol_drive(bench.proxy(), bench.device().identity(), !bench.set_by_host());
}

Result<Enrolment> enrol_drive(keyproxy::KeyProxy& proxy, const tape::DriveIdentity& drive,
                              bool signs_itself) {
  const auto refusal = TRY(proxy.introduce(drive, signs_itself));
  switch (refusal.code) {
    case eedk::EkmCode::kKeyNotHeld:
      return Enrolment{.accepted = true};
    case eedk::EkmCode::kDriveNotConfigured:
      return Enrolment{.said = refusal.message};
    case eedk::EkmCode::kDriveKeyUnverified: {
      Error error = dkx::error_of(refusal);
      const std::string& serial = drive.facts().serial;
      error.remedy =
          "it was enrolled before in another way or with another identity: `tapewarden drive-table "
          "show " +
          serial +
          "` tells what it offers now; if that is this drive's, `tapewarden "
          "drive-table accept " +
          serial + "` pins it";
      return std::unexpected(std::move(error));
    }
    default:
      return std::unexpected(dkx::error_of(refusal));
  }
}

std::string text_of(const Enrolment& enrolment, const std::string& serial) {
  if (enrolment.accepted) return "drive " + serial + " is in the drive table\n";
  return "drive " + serial + " waits to be accepted: tapewarden drive-table accept " + serial + "\n" +
         "  the key server says: " + escape_unprintable(enrolment.said) + "\n";
}

Status enrol_drives(Context& context, const std::string& engine_config, const std::string& identities,
                    const std::vector<std::string>& serials) {
  namespace json = boost::json;
  const auto config = TRY(keyproxy::read_engine_config(*context.env.disk, engine_config));
  const auto servers = TRY(keyproxy::KeyServers::connect(context.env, config));
  json::array rows;
  std::string text;
  Status first;
  for (const auto& serial : serials) {
    const auto identity = TRY(tape::DriveIdentity::load(*context.env.disk, identities + "/" + serial));
    const auto enrolled = enrol_drive(servers->proxy(), *identity, true);
    if (!enrolled && first) first = std::unexpected(enrolled.error());
    if (!enrolled) continue;
    rows.push_back(
        json::object{{"serial", serial}, {"accepted", enrolled->accepted}, {"said", enrolled->said}});
    text += text_of(*enrolled, serial);
  }
  print_report(context, {{"drives", rows}}, text);
  return first;
}

}  // namespace tapewarden::cli
