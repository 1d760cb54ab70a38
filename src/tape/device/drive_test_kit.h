// What the tests of drives share: a simulated system, a site with its authority, drives of both kinds, a key
// server that speaks a made-up language with the drive's exchange. Not part of the library.
#pragma once

#include <gtest/gtest.h>
#include <memory>
#include <set>
#include <string>

#include "base/testing/sim_env.h"
#include "crypto/random.h"
#include "scsi/cdb.h"
#include "scsi/mode.h"
#include "scsi/sense_codes.h"
#include "scsi/set_data_encryption.h"
#include "tape/device/drive.h"

namespace tapewarden::tape::test {

namespace codes = scsi::sense_codes;

inline const std::string kTapePath = "tapes/VOL001";
inline const scsi::NexusId kHost{1};
inline const scsi::NexusId kOtherHost{2};

template <typename T>
T take(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  return std::move(*result);
}
inline void done(const Status& status) {
  if (!status) throw std::runtime_error(status.error().text());
}

// Keys are slow to make: one site for all tests.
struct Site {
  crypto::SystemRandom random;
  crypto::PrivateKey authority_key = crypto::PrivateKey::generate_p256();
  crypto::Certificate authority;
  crypto::PrivateKey server_key = crypto::PrivateKey::generate_p256();
  crypto::Certificate server;
  std::shared_ptr<const DriveIdentity> lto;
  std::shared_ptr<const DriveIdentity> enterprise;

  Site() {
    authority = take(crypto::self_signed_certificate(spec("site", "", crypto::CertificateUse::kAuthority),
                                                     authority_key, random));
    server = certify("primary", "keyd", server_key.public_key());
    lto = identity(MediumKind::kLto, "10WT012345");
    enterprise = identity(MediumKind::k3592, "0000078A1234");
  }
  static crypto::CertificateSpec spec(const std::string& name, const std::string& unit,
                                      crypto::CertificateUse use) {
    return {.common_name = name,
            .organizational_unit = unit,
            .dns_names = {},
            .ip_addresses = {},
            .use = use,
            .not_before = from_millis(1'700'000'000'000),
            .not_after = from_millis(2'500'000'000'000)};
  }
  crypto::Certificate certify(const std::string& name, const std::string& unit,
                              const crypto::PublicKey& key) {
    return take(crypto::issue_certificate(spec(name, unit, crypto::CertificateUse::kSigning), key, authority,
                                          authority_key, random));
  }
  DriveIdentitySpec identity_spec(MediumKind kind, const std::string& serial) {
    DriveIdentitySpec out{.serial = serial, .world_wide_node_name = 0x5005076312345678, .kind = kind};
    out.identity_key = crypto::PrivateKey::generate_p256();
    out.certificate = certify(serial, "drive", out.identity_key.public_key());
    out.wrapping_key = crypto::PrivateKey::generate_rsa(2048);
    out.authority = authority;
    return out;
  }
  std::shared_ptr<const DriveIdentity> identity(MediumKind kind, const std::string& serial) {
    return take(DriveIdentity::make(identity_spec(kind, serial)));
  }
  static Site& get() {
    static Site site;
    return site;
  }
};

inline Bytes block(std::uint32_t number, std::size_t size = 300) {
  const std::string text = "marker-plaintext-" + std::to_string(number) + ";";
  Bytes out;
  std::uint32_t noise = number * 2654435761U + 1;
  while (out.size() < size) {
    out.insert(out.end(), text.begin(), text.end());
    noise = noise * 1664525 + 1013904223;
    out.push_back(static_cast<std::uint8_t>(noise >> 24U));
  }
  out.resize(size);
  return out;
}

inline Bytes key_bytes(std::uint8_t seed) {
  Bytes raw(kDataKeyBytes);
  for (std::size_t i = 0; i < raw.size(); ++i)
    raw[i] = static_cast<std::uint8_t>(std::size_t{seed} * 31U + i * 7U + 5U);
  return raw;
}

// A drive with a cartridge in a simulated system.
struct Bench {
  testing::SimEnv sim{7};
  std::unique_ptr<Drive> drive;

  explicit Bench(DriveOptions options = {}, MediumKind kind = MediumKind::kLto,
                 DriveExchange* exchange = nullptr, std::uint64_t capacity = 64U << 20,
                 std::uint64_t early_warning = 0, bool worm = false) {
    auto& site = Site::get();
    drive = std::make_unique<Drive>(sim.env(), kind == MediumKind::kLto ? site.lto : site.enterprise,
                                    std::move(options), exchange);
    CartridgeSpec spec;
    spec.volser = "VOL001";
    spec.kind = kind;
    spec.capacity_bytes = capacity;
    spec.early_warning_bytes = early_warning;
    spec.worm = worm;
    spec.compression_level = 0;
    make_cartridge(kTapePath, spec);
    done(drive->insert(kTapePath));
    settle(kHost);
  }
  void make_cartridge(const std::string& path, const CartridgeSpec& spec) {
    auto made = take(Cartridge::create(sim.env(), path, spec));
    done(made->unload());
  }
  // Takes the unit attentions that wait for the nexus.
  void settle(scsi::NexusId nexus) {
    for (int i = 0; i < 16; ++i)
      if (sense_of(run(scsi::plain_cdb(scsi::Opcode::kTestUnitReady), {}, nexus)).key !=
          scsi::SenseKey::kUnitAttention)
        return;
  }
  static scsi::SenseCode sense_of(const scsi::Response& response) {
    return response.status == scsi::ScsiStatus::kCheckCondition ? response.sense.code : scsi::SenseCode{};
  }

  scsi::Response run(ByteView cdb, ByteView data_out = {}, scsi::NexusId nexus = kHost) {
    return drive->execute({.cdb = cdb, .nexus = nexus, .data_out = data_out});
  }
  scsi::Response write(ByteView data, scsi::NexusId nexus = kHost) {
    return run(scsi::Write6{false, static_cast<std::uint32_t>(data.size())}.encode(), data, nexus);
  }
  scsi::Response read(std::uint32_t size = 65536, bool sili = true, scsi::NexusId nexus = kHost) {
    return run(scsi::Read6{false, sili, size}.encode(), {}, nexus);
  }
  scsi::Response filemarks(std::uint32_t count = 1) {
    return run(scsi::WriteFilemarks{false, count}.encode());
  }
  scsi::Response rewind() { return run(scsi::Rewind{}.encode()); }
  scsi::Response locate(std::uint64_t object) { return run(scsi::Locate{.identifier = object}.encode()); }
  scsi::Response end_of_data() { return run(scsi::Space{scsi::SpaceCode::kEndOfData, 0}.encode()); }
  scsi::Response unload() { return run(scsi::LoadUnload{}.encode()); }
  scsi::Response load() { return run(scsi::LoadUnload{.load = true}.encode()); }
  std::uint64_t object() { return drive->cartridge()->position().logical_object; }
  scsi::Response set_block_length(std::uint32_t bytes) {
    scsi::ModeParameters parameters{.descriptor = scsi::BlockDescriptor{0, 0, bytes}};
    return select(parameters);
  }
  scsi::Response select(const scsi::ModeParameters& parameters, scsi::NexusId nexus = kHost) {
    auto list = parameters.encode(false);
    list[0] = 0;
    return run(scsi::ModeSelect{.parameter_length = static_cast<std::uint16_t>(list.size())}.encode(), list,
               nexus);
  }
  scsi::Response spin(std::uint8_t protocol, std::uint16_t page, std::uint32_t limit = 65536,
                      scsi::NexusId nexus = kHost) {
    return run(scsi::SecurityProtocolIn{protocol, page, limit}.encode(), {}, nexus);
  }
  scsi::Response spout(std::uint8_t protocol, std::uint16_t page, ByteView list,
                       scsi::NexusId nexus = kHost) {
    return run(scsi::SecurityProtocolOut{protocol, page, static_cast<std::uint32_t>(list.size())}.encode(),
               list, nexus);
  }
  scsi::Response set_encryption(const scsi::SetDataEncryption& page, scsi::NexusId nexus = kHost) {
    Bytes list(page.encoded_size());
    page.encode_into(list);
    return spout(0x20, 0x0010, list, nexus);
  }
};

// Encrypt and decrypt under a key, with a data key identifier.
inline scsi::SetDataEncryption encrypting(const Bytes& key,
                                          scsi::DecryptionMode decryption = scsi::DecryptionMode::kMixed,
                                          scsi::KeyScope scope = scsi::KeyScope::kAllNexuses) {
  return {
      .scope = scope,
      .check = scsi::ExternalModeCheck::kNotChecked,
      .encryption = scsi::EncryptionMode::kEncrypt,
      .decryption = decryption,
      .key = key,
      .kads = {{scsi::KadKind::kUnauthenticated, scsi::Authentication::kNone, to_bytes("tape of the test")},
               {scsi::KadKind::kAuthenticated, scsi::Authentication::kNone, to_bytes("ABC123456789")}}};
}
inline scsi::SetDataEncryption no_encryption(scsi::KeyScope scope = scsi::KeyScope::kAllNexuses) {
  return {.scope = scope};
}

inline bool has_sense(const scsi::Response& response, scsi::SenseCode code) {
  return response.status == scsi::ScsiStatus::kCheckCondition && response.sense.code == code;
}

#define EXPECT_SENSE(response, sense_code)                   \
  do {                                                       \
    const auto& r_ = (response);                             \
    EXPECT_EQ(r_.status, scsi::ScsiStatus::kCheckCondition); \
    EXPECT_EQ(r_.sense.code, sense_code) << r_.sense.text(); \
  } while (false)
#define EXPECT_GOOD(response)                                         \
  do {                                                                \
    const auto& r_ = (response);                                      \
    EXPECT_EQ(r_.status, scsi::ScsiStatus::kGood) << r_.sense.text(); \
  } while (false)

}  // namespace tapewarden::tape::test
