// Commands from a hostile initiator to a drive with a cartridge. The first byte chooses drive and management;
// then follow commands: one byte with the CDB's length, the CDB, a u16 with the length of the data, the data.
#include <memory>

#include "base/testing/sim_env.h"
#include "crypto/random.h"
#include "fuzz.h"
#include "scsi/transport_id.h"
#include "tape/device/drive.h"

namespace {

using namespace tapewarden;
using namespace tapewarden::tape;

constexpr unsigned kMaxCommands = 64;
constexpr std::size_t kLargestResponse = 64U << 20;
const std::string kPath = "cartridge";
const scsi::NexusId kNamed{1};

std::shared_ptr<const DriveIdentity> make_identity(MediumKind kind) {
  crypto::SystemRandom random;
  const auto authority_key = crypto::PrivateKey::generate_p256();
  crypto::CertificateSpec spec;
  spec.common_name = "site";
  spec.use = crypto::CertificateUse::kAuthority;
  spec.not_before = from_millis(1'700'000'000'000);
  spec.not_after = from_millis(2'500'000'000'000);
  const auto authority = crypto::self_signed_certificate(spec, authority_key, random);
  TW_ASSERT(authority.has_value());
  DriveIdentitySpec drive{.serial = "1234567890", .world_wide_node_name = 1, .kind = kind};
  drive.identity_key = crypto::PrivateKey::generate_p256();
  drive.wrapping_key = crypto::PrivateKey::generate_rsa(2048);
  drive.authority = *authority;
  spec.common_name = "drive";
  spec.organizational_unit = "drive";
  spec.use = crypto::CertificateUse::kSigning;
  auto certificate =
      crypto::issue_certificate(spec, drive.identity_key.public_key(), *authority, authority_key, random);
  TW_ASSERT(certificate.has_value());
  drive.certificate = *certificate;
  auto identity = DriveIdentity::make(std::move(drive));
  TW_ASSERT(identity.has_value());
  return *identity;
}

struct FuzzedDrive {
  tapewarden::testing::SimEnv sim{1};
  std::unique_ptr<Drive> drive;

  explicit FuzzedDrive(std::uint8_t configuration) {
    static const auto lto = make_identity(MediumKind::kLto);
    static const auto enterprise = make_identity(MediumKind::k3592);
    const auto kind = (configuration & 1U) != 0 ? MediumKind::k3592 : MediumKind::kLto;
    DriveOptions options;
    options.management = static_cast<KeyManagement>((configuration >> 1U) & 3U);
    options.default_policy.encrypt = (configuration & 8U) != 0;
    if ((configuration & 64U) != 0) options.density = 0x60;
    drive = std::make_unique<Drive>(sim.env(), kind == MediumKind::kLto ? lto : enterprise, options);
    CartridgeSpec spec;
    spec.volser = "FUZZ01";
    spec.kind = kind;
    spec.capacity_bytes = 1U << 20;
    spec.worm = (configuration & 16U) != 0;
    TW_ASSERT(Cartridge::create(sim.env(), kPath, spec).has_value());
    TW_ASSERT(drive->insert(kPath, (configuration & 32U) != 0).has_value());
    // One of the three initiators has a name; its session ends and begins again when asked to.
    drive->nexus_named(kNamed,
                       {scsi::iscsi_transport_id("iqn.2026-01.test:fuzz", {}), "iqn.2026-01.test:drive"});
  }
};

void check(const scsi::Response& response, std::size_t data_out) {
  TW_ASSERT(response.data_out_used <= data_out);
  TW_ASSERT(response.data_in.size() <= kLargestResponse);
  if (response.status == scsi::ScsiStatus::kCheckCondition)
    TW_ASSERT(scsi::Sense::decode(response.sense.encode_fixed()).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  FuzzedDrive fuzzed(data[0]);
  ByteReader in(ByteView(data, size).subspan(1));
  for (unsigned i = 0; i < kMaxCommands && !in.done(); ++i) {
    const auto length = in.u8("length");
    const auto cdb = in.bytes(*length % 17U, "CDB");
    if (!cdb) break;
    const auto count = in.u16("data length");
    if (!count) break;
    const auto data_out = in.bytes(std::min<std::size_t>(*count, in.remaining()), "data");
    const scsi::NexusId nexus{1U + *length / 17U % 3U};
    check(fuzzed.drive->execute({.cdb = *cdb, .nexus = nexus, .data_out = *data_out}), data_out->size());
  }
  // Whatever was done, the cartridge is still one.
  static_cast<void>(fuzzed.drive->eject().has_value());
  fuzzed.drive.reset();
  TW_ASSERT(Cartridge::open(fuzzed.sim.env(), kPath, CartridgeMode::kRead).has_value());
  return 0;
}
