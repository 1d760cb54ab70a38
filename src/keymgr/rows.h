// The rows of the key server's tables (tables.h) as typed values. to_row() and from_row() are each other's
// inverse; the keystore has checked a row's MAC before from_row() sees it. Sealed secrets stay sealed here:
// `sealed_*` members hold boxes that only Transaction::seal() makes and Reader::unseal() opens. Values.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/env.h"
#include "base/uuid.h"
#include "eedk/data_key_identifier.h"
#include "eedk/eedk.h"
#include "keymgr/key_state.h"
#include "store/schema.h"

namespace tapewarden::keymgr {

using eedk::LabelMode;
inline constexpr WallTime kNever{};  // a time that has not come

using KeyFingerprint = std::array<std::uint8_t, 16>;  // HKDF(DK, "fingerprint")

// When each state was entered; kNever for those that were not.
struct StateTimes {
  WallTime created{};
  WallTime activated{};
  WallTime deactivated{};
  WallTime compromised{};
  WallTime destroyed{};
};
// Notes `now` as the time at which `state` was entered.
void mark(StateTimes& times, KeyState state, WallTime now);
// The earliest known time of each.
StateTimes join(const StateTimes& a, const StateTimes& b);
WallTime earliest(WallTime a, WallTime b);  // kNever only when both are

struct DataKey {
  Uuid id;
  std::string alias;  // folded to upper case
  eedk::DataKeyIdentifier dki;
  KeyState state = KeyState::kPreActive;
  Uuid owner;         // the server that alone gives it out for writing
  std::string group;  // empty: in no group
  std::int64_t position = 0;
  Bytes sealed_key;  // a box of nothing once destroyed
  KeyFingerprint fingerprint{};
  StateTimes times;
  KeyOrigin origin = KeyOrigin::kGenerated;
  std::int64_t uses = 0;            // cartridges begun with it
  std::int64_t created_commit = 0;  // local: the commit that made it here; 0 when it came from the peer
  // The owner's epoch (epoch.h) in which it became the owner: a use-once key is given out in that one alone.
  std::int64_t owner_epoch = 0;
  std::int64_t transfers = 0;  // how often another server became the owner
  WallTime quarantined{};      // since when it is hidden from everybody; kNever: it is not

  store::Row to_row() const;
  static DataKey from_row(const store::Row& row);
};

enum class GroupPolicy : std::uint8_t { kUseOnce = 1, kRoundRobin = 2 };
std::string_view to_string(GroupPolicy policy);
Result<GroupPolicy> parse_group_policy(std::string_view text);

struct KeyGroup {
  std::string name;  // compares without case: folded to upper case
  GroupPolicy policy = GroupPolicy::kUseOnce;
  std::int64_t keys_ahead = 0;  // unused keys that each server keeps ready; 0: none are made by themselves
  std::string alias_prefix;     // three letters for the keys made in the background
  bool default_write = false;
  WallTime created{};

  store::Row to_row() const;
  static KeyGroup from_row(const store::Row& row);
};

// One server's place in a group. Only that server changes it.
struct GroupCursor {
  std::string group;
  Uuid server;
  std::int64_t position = 0;        // of the key given out last; grows strictly in a use-once group
  std::int64_t next_position = 1;   // for the next key added by this server
  std::int64_t total = 0;           // keys of this server in the group
  std::int64_t used = 0;            // of these, those that began a cartridge or can no more
  std::int64_t warned_percent = 0;  // the highest of 80, 90, 100 that was announced

  store::Row to_row() const;
  static GroupCursor from_row(const store::Row& row);
};

struct Kek {
  Hash256 id{};       // SHA-256 of the SubjectPublicKeyInfo: the hash label
  Bytes certificate;  // DER
  std::string common_name;
  WallTime not_after{};
  bool has_private = false;
  Bytes sealed_private;  // PKCS#8; a box of nothing when only the public half is held
  KeyState state = KeyState::kActive;
  StateTimes times;
  KeyOrigin origin = KeyOrigin::kGenerated;
  bool proven = false;  // the holder of the private half, elsewhere, has proved that he can unwrap
  WallTime proven_at{};
  std::int64_t private_commit = 0;  // local: the commit that brought the private half here
  WallTime quarantined{};           // as of a data key

  store::Row to_row() const;
  static Kek from_row(const store::Row& row);
};

// One name of one KEK. Two rows with one label and different KEKs are a conflict that two servers brought
// together: reported, never silently resolved.
struct KekLabelRow {
  std::string label;  // folded to upper case
  Hash256 kek{};
  std::string display;  // as it was typed
  WallTime added{};

  store::Row to_row() const;
  static KekLabelRow from_row(const store::Row& row);
};

enum class DriveKind : std::uint8_t { kLto = 1, k3592 = 2 };
std::string_view to_string(DriveKind kind);  // "LTO", "3592"
Result<DriveKind> parse_drive_kind(std::string_view text);

enum class DriveState : std::uint8_t { kPending = 1, kAccepted = 2, kRejected = 3 };
std::string_view to_string(DriveState state);
Result<DriveState> parse_drive_state(std::string_view text);

struct LabelChoice {
  std::string label;  // as typed; empty: none
  LabelMode mode = LabelMode::kClear;
  bool operator==(const LabelChoice&) const = default;
};

struct Drive {
  std::string serial;  // 12 characters
  std::string wwnn;    // 16 hex digits, upper case, or empty
  DriveKind kind = DriveKind::kLto;
  DriveState state = DriveState::kPending;
  std::string default_alias;
  std::string default_group;
  LabelChoice label_1;
  LabelChoice label_2;
  // What is pinned. Empty: nothing yet; the drive is then served nothing.
  Bytes certificate;    // DER, may be empty when only keys are pinned
  Bytes identity_hash;  // SHA-256 of the identity key's SPKI; empty for a drive that only a proxy speaks for
  Bytes wrapping_spki;  // DER: SEDKs are wrapped to this key alone
  // What the drive offered at first contact, for the operator to compare and accept.
  Bytes offered_certificate;
  Bytes offered_wrapping_spki;
  Bytes offered_proxy;  // fingerprint of the proxy that spoke for it
  std::string offered_proxy_name;
  WallTime first_seen{};
  WallTime decided_at{};
  std::string decided_by;

  store::Row to_row() const;
  static Drive from_row(const store::Row& row);
};

struct ProxyDrive {
  Hash256 proxy{};  // SHA-256 of the proxy's certificate
  std::string serial;
  std::string proxy_name;
  WallTime added{};

  store::Row to_row() const;
  static ProxyDrive from_row(const store::Row& row);
};

enum class SubjectKind : std::uint8_t { kAny = 1, kDrive = 2, kProxy = 3, kPartition = 4, kClient = 5 };
enum class ObjectKind : std::uint8_t { kAny = 1, kGroup = 2, kLabel = 3 };
std::string_view to_string(SubjectKind kind);
std::string_view to_string(ObjectKind kind);
Result<SubjectKind> parse_subject_kind(std::string_view text);
Result<ObjectKind> parse_object_kind(std::string_view text);

struct AccessRule {
  Uuid id;
  SubjectKind subject_kind = SubjectKind::kAny;
  std::string subject;  // serial, fingerprint in hex, folded partition or KMIP client; empty for kAny
  ObjectKind object_kind = ObjectKind::kAny;
  std::string object;  // folded group or label; empty for kAny
  bool may_write = false;
  bool may_read = false;
  WallTime added{};

  store::Row to_row() const;
  static AccessRule from_row(const store::Row& row);
};

enum class LedgerState : std::uint8_t {
  kIssued = 1,
  kConfirmed = 2,
  kImported = 3,  // another key manager's word; stays so
};
std::string_view to_string(LedgerState state);

struct LedgerEntry {
  Uuid server;
  std::int64_t sequence = 0;  // per server, from 1
  std::string volser;
  Uuid volume;
  Method method = Method::kIdentifiedKey;
  Purpose purpose = Purpose::kWrite;
  LedgerState state = LedgerState::kIssued;
  Bytes request_id;
  std::string alias;    // identified-key method
  Bytes dki;            // 12 bytes or empty
  std::string group;    // of the key when it was given out
  LabelChoice label_1;  // wrapped-key method: as asked, folded
  LabelChoice label_2;
  Bytes kek_1;  // ids of the KEKs that wrapped it
  Bytes kek_2;
  Bytes eedk_set;  // eedk::EedkSet encoded, with seal and key check value; empty otherwise
  Bytes kcv;
  std::string drive;
  std::string wwnn;
  std::string proxy;  // name, empty without one
  WallTime issued{};
  WallTime confirmed{};

  store::Row to_row() const;
  static LedgerEntry from_row(const store::Row& row);
};

// Two rows that met when servers copied their changes to each other, kept for an operator to look at. Both
// servers keep the same row: its id is made of what met.
enum class ConflictOutcome : std::uint8_t {
  kOneKept = 1,  // the row of the higher version stands
  kMerged = 2,   // the row that stands is neither of the two
};
std::string_view to_string(ConflictOutcome outcome);

struct ConflictVersion {
  std::int64_t version = 0;
  Uuid origin;
  std::string content;  // JSON object without secrets
};

struct ConflictRow {
  Uuid id;
  std::string table;
  std::string key;  // printable
  ConflictVersion high;
  ConflictVersion low;
  ConflictOutcome outcome = ConflictOutcome::kOneKept;
  WallTime found{};
  Uuid found_by;
  WallTime acknowledged{};
  std::string acknowledged_by;

  store::Row to_row() const;
  static ConflictRow from_row(const store::Row& row);
};

struct ServerRow {
  Uuid id;
  std::string name;
  Bytes signing_certificate;   // DER, P-256: verifies seals and answers
  Bytes exchange_certificate;  // DER, RSA: secrets for this server are wrapped to it
  std::uint32_t installation = 0;
  std::int64_t epoch = 0;

  store::Row to_row() const;
  static ServerRow from_row(const store::Row& row);
};

}  // namespace tapewarden::keymgr
