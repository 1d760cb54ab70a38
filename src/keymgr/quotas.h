// Quotas (K27): at most so many writes begun and so many distinct volumes read, an hour and a day, for what a
// drive, a proxy, a partition, a KMIP client or anybody does with a group, a label or anything. Against
// draining a use-once group and reading keys in bulk. A quota counts all that it names together.
//
// Invariants
//  Q1 What is counted is counted in the transaction that serves it: a refused request counts nothing.
//  Q2 A repeated exchange was counted when it was answered first.
//  Q3 Writes are counted in slots of kQuotaSlot, a bounded number of rows; a window is never shorter than it
//     says, and at most one slot longer. Reads keep one row a volume: the window slides exactly.
//  Q4 Both servers count: the other's counts arrive with its commits, so a burst at both at once may pass a
//     limit by what is on its way.
//  Q5 Quotas for one subject and object that were added at both servers at once become one with the stricter
//     limits. Rows of older releases have ids of their own: of two for the same, both hold.
// Stateless; thread-safe.
#pragma once

#include <span>
#include <vector>

#include "keymgr/access_rules.h"
#include "keymgr/actor.h"
#include "keymgr/rows.h"
#include "keymgr/server_context.h"
#include "store/keystore.h"

namespace tapewarden::keymgr {

struct Quota {
  Uuid id;
  SubjectKind subject_kind = SubjectKind::kAny;
  std::string subject;
  ObjectKind object_kind = ObjectKind::kAny;
  std::string object;
  // 0: no limit.
  std::int64_t writes_hour = 0;
  std::int64_t writes_day = 0;
  std::int64_t reads_hour = 0;
  std::int64_t reads_day = 0;
  WallTime added{};

  store::Row to_row() const;
  static Quota from_row(const store::Row& row);
};

struct QuotaUse {
  Quota quota;
  std::int64_t writes_hour = 0;
  std::int64_t writes_day = 0;
  std::int64_t reads_hour = 0;
  std::int64_t reads_day = 0;
};

// One request that would be served.
struct QuotaCharge {
  const AccessSubject& subject;
  std::span<const AccessObject> objects;  // the group, or each KEK with all its labels
  bool write = false;                     // else a volume is read (or its key given out to append)
  Uuid volume;                            // of a KMIP client: the object
};

class Quotas {
 public:
  explicit Quotas(const ServerContext& context) : context_(context) {}

  // The id follows from subject and object. kAlreadyExists for the same subject and object; kInvalidArgument
  // without a limit.
  Result<Quota> add(store::Transaction& transaction, const Actor& actor, Quota quota) const;
  Status remove(store::Transaction& transaction, const Actor& actor, const Uuid& id) const;
  // With what is used of each now.
  Result<std::vector<QuotaUse>> list(store::Reader& reader) const;

  // Counts the request with every quota that names it. EE30 (kExhausted) when one is used up, saying which
  // and when there is room again; nothing is counted then, as the transaction is undone.
  Status charge(store::Transaction& transaction, const QuotaCharge& charge) const;
  // Whether a charge would count anything.
  Result<bool> counts(store::Reader& reader, const QuotaCharge& charge) const;

 private:
  Result<std::int64_t> writes_since(store::Reader& reader, const Quota& quota, WallTime since) const;
  Result<std::int64_t> reads_since(store::Reader& reader, const Quota& quota, WallTime since,
                                   const Uuid& but_volume) const;
  Result<std::int64_t> count(store::Reader& reader, const Quota& quota, const QuotaCharge& charge,
                             std::chrono::hours window) const;
  Status check(store::Transaction& transaction, const Quota& quota, const QuotaCharge& charge,
               std::int64_t limit, std::chrono::hours window) const;
  Status note_use(store::Transaction& transaction, const Quota& quota, const QuotaCharge& charge) const;

  const ServerContext& context_;
};

}  // namespace tapewarden::keymgr
