// Who a drive is: serial, WWNN, and the keys by which a key server recognises it and wraps data keys to it.
// Kept in a directory that only the drive reads:
//   drive.txt      "serial", "wwnn" (16 hex digits) and "kind" (lto, 3592), one "name value" a line
//   identity.pem, identity-key.pem   certificate from the site's authority with OU=drive, P-256
//   wrapping-key.pem                 RSA-2048
//   authority.pem                    the site's authority
//   servers.pem                      optional: key servers trusted by pin
// Immutable after load(); thread-safe. The private keys are reachable only through DriveKeys' two operations.
#pragma once

#include <memory>
#include <vector>

#include "base/env.h"
#include "tape/device/key_exchange.h"

namespace tapewarden::tape {

inline constexpr std::string_view kDriveUnit = "drive";     // OU of a drive's certificate
inline constexpr std::string_view kKeyServerUnit = "keyd";  // OU of a key server's signing certificate

// 12 characters: 10 digits get "00" in front (EKM's form), 12 stay. kInvalidArgument otherwise.
Result<std::string> drive_table_serial(std::string_view serial);

struct DriveIdentitySpec {
  std::string serial;  // 1 to 12 letters and digits
  std::uint64_t world_wide_node_name = 0;
  MediumKind kind = MediumKind::kLto;
  crypto::PrivateKey identity_key{};  // P-256
  crypto::Certificate certificate{};  // of identity_key
  crypto::PrivateKey wrapping_key{};  // RSA-2048
  crypto::Certificate authority{};
  std::vector<crypto::Certificate> pinned_servers{};
};

class DriveIdentity final : public DriveKeys {
 public:
  // kInvalidArgument naming the member: a key of the wrong kind, a certificate of another key or not signed
  // by the authority.
  static Result<std::shared_ptr<const DriveIdentity>> make(DriveIdentitySpec spec);
  // kNotFound, kInvalidArgument, kIo naming the file.
  static Result<std::shared_ptr<const DriveIdentity>> load(Disk& disk, const std::string& directory);
  // Makes the directory; secret files have mode 0600.
  Status save(Disk& disk, const std::string& directory) const;

  const DriveFacts& facts() const { return facts_; }
  const std::string& serial() const { return spec_.serial; }  // as INQUIRY reports it
  // Whether the drive takes keys from the holder: pinned, or signed by the authority with OU=keyd. Time is
  // not looked at: an expired certificate never blocks a read.
  bool trusts(const crypto::Certificate& server) const;

  Bytes sign(ByteView message) const override;
  Result<crypto::SecretBytes> unwrap(ByteView wrapped, ByteView oaep_label) const override;
  const crypto::Certificate& certificate() const override { return spec_.certificate; }
  const crypto::PublicKey& wrapping_key() const override { return wrapping_public_; }
  const Bytes& wrapping_key_signature() const override { return wrapping_signature_; }

 private:
  explicit DriveIdentity(DriveIdentitySpec spec, DriveFacts facts);
  DriveIdentitySpec spec_;
  DriveFacts facts_;
  crypto::PublicKey wrapping_public_;
  Bytes wrapping_signature_;
};

}  // namespace tapewarden::tape
