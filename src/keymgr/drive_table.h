// The drives that this server knows (K1): what each is given by default, and what is pinned of it (K11).
//
// Invariants
//  I1 A serial is 12 printable characters without blanks; one of ten digits is kept with "00" in front.
//  I2 At most kMaximumPendingDrives rows are pending; one more unknown drive is refused without a row.
//  I3 A wrapping key is pinned only with the drive's identity key's signature over it, or by an operator.
//
//   unknown --discover()--> pending --accept()--> accepted <--> rejected
//                              \------reject()-------------------/
//
// Stateless; thread-safe.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "keymgr/actor.h"
#include "keymgr/key_request.h"
#include "keymgr/page.h"
#include "keymgr/rows.h"
#include "keymgr/server_context.h"
#include "store/keystore.h"

namespace tapewarden::keymgr {

// What an operator gives or changes; absent members stay as they are (for add(): empty).
struct DriveChange {
  std::optional<std::string> wwnn;
  std::optional<DriveKind> kind;
  std::optional<std::string> default_alias;  // at most one of alias and group may be set
  std::optional<std::string> default_group;
  std::optional<LabelChoice> label_1;
  std::optional<LabelChoice> label_2;
  std::optional<Bytes> certificate;    // DER; pins the drive's identity to its key
  std::optional<Bytes> wrapping_spki;  // DER; pins the wrapping key; must be RSA
};

enum class ImportMode : std::uint8_t {
  kMerge,    // adds new drives and changes those that both hold
  kRewrite,  // the table becomes what the file holds
};

struct ImportReport {
  std::size_t added = 0;
  std::size_t changed = 0;
  std::size_t unchanged = 0;
  std::size_t removed = 0;
};

struct Discovery {
  std::optional<Drive> drive;  // the row as it is now; nothing when the queue is full
  bool accepted = false;       // by this discovery
};

// The 12-character form, in upper case. kInvalidArgument with the rule.
Result<std::string> canonical_serial(std::string_view serial);
// 16 hex digits in upper case, or empty.
Result<std::string> canonical_wwnn(std::string_view wwnn);
// The hash by which an identity is pinned: SHA-256 of the certificate's SubjectPublicKeyInfo.
// kInvalidArgument when it does not parse or its key is no P-256 key.
Result<Bytes> identity_hash_of(ByteView certificate_der);
// kInvalidArgument unless it is an RSA key of a size that is used.
Status check_wrapping_key(ByteView spki);

class DriveTable {
 public:
  explicit DriveTable(const ServerContext& context) : context_(context) {}

  // kAlreadyExists. An operator's drive is accepted at once.
  Result<Drive> add(store::Transaction& transaction, const Actor& actor, std::string_view serial,
                    const DriveChange& change) const;
  Result<Drive> modify(store::Transaction& transaction, const Actor& actor, std::string_view serial,
                       const DriveChange& change) const;
  Status remove(store::Transaction& transaction, const Actor& actor, std::string_view serial) const;
  Result<std::optional<Drive>> find(store::Reader& reader, std::string_view serial) const;
  Result<Page<Drive>> list(store::Reader& reader, std::optional<DriveState> state,
                           const PageRequest& page) const;

  // Pins what the drive offered. `expected_identity`: the operator's copy of the hash of the identity key or
  // of the proxy's certificate; kConflict when it is given and differs.
  Result<Drive> accept(store::Transaction& transaction, const Actor& actor, std::string_view serial,
                       const std::optional<Hash256>& expected_identity = {}) const;
  Result<Drive> reject(store::Transaction& transaction, const Actor& actor, std::string_view serial) const;

  // Notes a drive that is not in the table, or what a known drive shows that is not pinned. One offer waits
  // at a time. `accept_now`: a drive without pins is taken at its word (the setting drive.unknown = accept).
  Result<Discovery> discover(store::Transaction& transaction, const Caller& caller, bool accept_now) const;
  // Drops what was offered; state and pins stay.
  Result<Drive> dismiss_offer(store::Transaction& transaction, const Actor& actor,
                              std::string_view serial) const;

  Status allow_proxy(store::Transaction& transaction, const Actor& actor, const Hash256& proxy,
                     std::string_view proxy_name, std::string_view serial) const;
  Status forbid_proxy(store::Transaction& transaction, const Actor& actor, const Hash256& proxy,
                      std::string_view serial) const;
  Result<bool> proxy_may_speak(store::Reader& reader, const Hash256& proxy, std::string_view serial) const;
  Result<std::vector<ProxyDrive>> list_proxies(store::Reader& reader) const;

  // The text form of docs/formats/drive-table.md.
  Result<std::string> export_text(store::Reader& reader) const;
  Result<ImportReport> import_text(store::Transaction& transaction, const Actor& actor, std::string_view text,
                                   ImportMode mode) const;

 private:
  Result<Drive> require(store::Reader& reader, std::string_view serial) const;
  Status put(store::Transaction& transaction, const Actor& actor, std::string_view action,
             const Drive& drive) const;
  Status put_proxy(store::Transaction& transaction, const Actor& actor, const ProxyDrive& entry) const;
  Status erase(store::Transaction& transaction, const Actor& actor, std::string_view serial) const;
  Status forbid_others(store::Transaction& transaction, const Actor& actor, std::string_view serial,
                       std::span<const ProxyDrive> kept) const;

  const ServerContext& context_;
};

}  // namespace tapewarden::keymgr
