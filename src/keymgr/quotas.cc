#include "keymgr/quotas.h"

#include <algorithm>

#include "base/text.h"
#include "crypto/hash.h"
#include "eedk/ekm_code.h"
#include "keymgr/audit_note.h"
#include "keymgr/limits.h"
#include "keymgr/row_codec.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr {
namespace {

constexpr std::chrono::hours kHour{1};
constexpr std::chrono::hours kDay{24};
constexpr std::string_view kIdPurpose = "tapewarden quota 1";
// Slots come round again after a day and one more.
constexpr std::int64_t kSlots = kDay / kQuotaSlot + 1;

std::int64_t slot_of(WallTime time) {
  return to_millis(time) / std::chrono::milliseconds(kQuotaSlot).count() % kSlots;
}

WallTime slot_start(WallTime time) {
  const std::int64_t length = std::chrono::milliseconds(kQuotaSlot).count();
  return from_millis(to_millis(time) / length * length);
}

bool names(const Quota& quota, const QuotaCharge& charge) {
  if (!is_subject(quota.subject_kind, quota.subject, charge.subject)) return false;
  if (quota.object_kind == ObjectKind::kAny) return true;
  return std::ranges::any_of(charge.objects, [&](const AccessObject& object) {
    return object.kind == quota.object_kind &&
           std::ranges::any_of(object.names,
                               [&](const std::string& name) { return to_upper(name) == quota.object; });
  });
}

bool limits(const Quota& quota, bool writes) {
  return writes ? quota.writes_hour > 0 || quota.writes_day > 0 : quota.reads_hour > 0 || quota.reads_day > 0;
}

std::string described(const Quota& quota) {
  const auto part = [](std::string_view kind, const std::string& name) {
    return std::string(kind) + (name.empty() ? "" : " " + name);
  };
  return part(to_string(quota.subject_kind), quota.subject) + " on " +
         part(to_string(quota.object_kind), quota.object);
}

std::string_view window_name(std::chrono::hours window) {
  return window == kHour ? "hour" : "day";
}

// The same at both servers, so that two quotas for one subject and object, made apart, are one row and meet
// by merge_quotas().
Uuid id_of(const Quota& quota) {
  ByteWriter out;
  out.bytes32(as_bytes(kIdPurpose)).u8(static_cast<std::uint8_t>(quota.subject_kind));
  out.bytes32(as_bytes(quota.subject)).u8(static_cast<std::uint8_t>(quota.object_kind));
  const Hash256 hash = crypto::sha256(out.bytes32(as_bytes(quota.object)).take());
  return Uuid::from(ByteView(hash).first(16));
}

}  // namespace

store::Row Quota::to_row() const {
  return RowWriter(kQuotaTable)
      .uuid(id)
      .number_of(subject_kind)
      .text(subject)
      .number_of(object_kind)
      .text(object)
      .integer(writes_hour)
      .integer(writes_day)
      .integer(reads_hour)
      .integer(reads_day)
      .time(added)
      .take();
}

Quota Quota::from_row(const store::Row& row) {
  RowReader in(kQuotaTable, row);
  Quota out;
  out.id = in.uuid();
  out.subject_kind = in.enumeration<SubjectKind>();
  out.subject = in.text();
  out.object_kind = in.enumeration<ObjectKind>();
  out.object = in.text();
  out.writes_hour = in.integer();
  out.writes_day = in.integer();
  out.reads_hour = in.integer();
  out.reads_day = in.integer();
  out.added = in.time();
  return out;
}

Result<Quota> Quotas::add(store::Transaction& transaction, const Actor& actor, Quota quota) const {
  quota.subject = TRY(canonical_subject(quota.subject_kind, quota.subject));
  quota.object = TRY(canonical_object(quota.object_kind, quota.object));
  quota.id = id_of(quota);
  quota.added = context_.now();
  bool any = false;
  for (const std::int64_t limit : {quota.writes_hour, quota.writes_day, quota.reads_hour, quota.reads_day}) {
    if (limit < 0 || limit > kMaximumQuotaLimit) {
      return fail(ErrorCode::kInvalidArgument, "a limit is out of bounds", "writes_hour",
                  "use 1 to " + std::to_string(kMaximumQuotaLimit) + ", or leave it out");
    }
    any = any || limit > 0;
  }
  if (!any) {
    return fail(ErrorCode::kInvalidArgument, "the quota limits nothing", "writes_hour",
                "give at least one of writes_hour, writes_day, reads_hour, reads_day");
  }
  if (TRY(transaction.aggregate(kQuotaTable, "COUNT(*)", "1", {})) >=
      static_cast<std::int64_t>(kMaximumQuotas)) {
    return fail(ErrorCode::kExhausted, "there are too many quotas", {}, "remove quotas no longer used");
  }
  const auto same = TRY(transaction.aggregate(
      kQuotaTable, "COUNT(*)", "subject_kind = ? AND subject = ? AND object_kind = ? AND object = ?",
      {static_cast<std::int64_t>(quota.subject_kind), quota.subject,
       static_cast<std::int64_t>(quota.object_kind), quota.object}));
  if (same > 0) {
    return fail(ErrorCode::kAlreadyExists, "there is a quota for this subject and object already", "subject",
                "remove that one first");
  }
  TRY(transaction.put(kQuotaTable, quota.to_row()));
  note(transaction, context_,
       {.type = AuditType::kConfigurationManagement,
        .action = "quota.add",
        .actor = actor,
        .fields = {{"id", quota.id.text()},
                   {"quota", described(quota)},
                   {"writes_hour", std::to_string(quota.writes_hour)},
                   {"writes_day", std::to_string(quota.writes_day)},
                   {"reads_hour", std::to_string(quota.reads_hour)},
                   {"reads_day", std::to_string(quota.reads_day)}}});
  return quota;
}

Status Quotas::remove(store::Transaction& transaction, const Actor& actor, const Uuid& id) const {
  const auto row = TRY(transaction.get(kQuotaTable, {to_bytes(id.view())}));
  if (!row) return fail(ErrorCode::kNotFound, "there is no quota with this id", "id");
  TRY(transaction.erase(kQuotaTable, {to_bytes(id.view())}));
  note(transaction, context_,
       {.type = AuditType::kConfigurationManagement,
        .action = "quota.remove",
        .actor = actor,
        .fields = {{"id", id.text()}, {"quota", described(Quota::from_row(*row))}}});
  return {};
}

Result<std::vector<QuotaUse>> Quotas::list(store::Reader& reader) const {
  std::vector<QuotaUse> out;
  const WallTime now = context_.now();
  for (const auto& row :
       TRY(reader.query(kQuotaTable, "1 ORDER BY subject_kind, subject, object_kind, object", {}))) {
    QuotaUse use{.quota = Quota::from_row(row)};
    use.writes_hour = TRY(writes_since(reader, use.quota, now - kHour));
    use.writes_day = TRY(writes_since(reader, use.quota, now - kDay));
    use.reads_hour = TRY(reads_since(reader, use.quota, now - kHour, {}));
    use.reads_day = TRY(reads_since(reader, use.quota, now - kDay, {}));
    out.push_back(std::move(use));
  }
  return out;
}

// A slot counts as long as any of it lies within the window, and one from a clock that was ahead counts too.
Result<std::int64_t> Quotas::writes_since(store::Reader& reader, const Quota& quota, WallTime since) const {
  return reader.aggregate(kQuotaWritesTable, "SUM(count)", "quota = ? AND began > ?",
                          {to_bytes(quota.id.view()), to_millis(since - kQuotaSlot)});
}

Result<std::int64_t> Quotas::reads_since(store::Reader& reader, const Quota& quota, WallTime since,
                                         const Uuid& but_volume) const {
  return reader.aggregate(kQuotaReadsTable, "COUNT(*)", "quota = ? AND last > ? AND volume <> ?",
                          {to_bytes(quota.id.view()), to_millis(since), to_bytes(but_volume.view())});
}

// With this request.
Result<std::int64_t> Quotas::count(store::Reader& reader, const Quota& quota, const QuotaCharge& charge,
                                   std::chrono::hours window) const {
  const WallTime since = context_.now() - window;
  if (charge.write) return TRY(writes_since(reader, quota, since)) + 1;
  return TRY(reads_since(reader, quota, since, charge.volume)) + 1;
}

Status Quotas::check(store::Transaction& transaction, const Quota& quota, const QuotaCharge& charge,
                     std::int64_t limit, std::chrono::hours window) const {
  if (limit == 0) return {};
  const std::string what = std::to_string(limit) + (charge.write ? " writes" : " volumes read") + " in " +
                           (window == kHour ? "an hour" : "a day");
  const std::int64_t with_this = TRY(count(transaction, quota, charge, window));
  if (with_this > limit) {
    return eedk::fail_ekm(ErrorCode::kExhausted, eedk::EkmCode::kProhibited,
                          "the quota of " + described(quota) + " is used up: " + what, "quota",
                          "wait until some of the last " + std::string(window_name(window)) +
                              " is past, or let a security officer change the quota " + quota.id.text());
  }
  const std::int64_t warning = (limit * kQuotaWarningPercent + 99) / 100;
  if (with_this != warning) return {};
  note(transaction, context_,
       {.type = AuditType::kKeyServing,
        .action = "quota.warning",
        .actor = Actor::system(),
        .fields = {{"id", quota.id.text()},
                   {"quota", described(quota)},
                   {"limit", what},
                   {"used", std::to_string(with_this)}}});
  return {};
}

Status Quotas::note_use(store::Transaction& transaction, const Quota& quota,
                        const QuotaCharge& charge) const {
  const WallTime now = context_.now();
  const store::Value id = to_bytes(quota.id.view());
  if (!charge.write) {
    return transaction.put(kQuotaReadsTable, {id, to_bytes(charge.volume.view()), to_millis(now)});
  }
  const store::Value server = to_bytes(context_.server.view());
  const std::int64_t began = to_millis(slot_start(now));
  const auto row = TRY(transaction.get(kQuotaWritesTable, {id, server, slot_of(now)}));
  const bool same = row && store::integer(*row, 3) == began;
  const std::int64_t counted = (same ? store::integer(*row, 4) : 0) + 1;
  return transaction.put(kQuotaWritesTable, {id, server, slot_of(now), began, counted});
}

Result<bool> Quotas::counts(store::Reader& reader, const QuotaCharge& charge) const {
  const auto rows = TRY(reader.query(kQuotaTable, "1", {}));
  return std::ranges::any_of(rows, [&](const store::Row& row) {
    const auto quota = Quota::from_row(row);
    return names(quota, charge) && limits(quota, charge.write);
  });
}

Status Quotas::charge(store::Transaction& transaction, const QuotaCharge& charge) const {
  for (const auto& row : TRY(transaction.query(kQuotaTable, "1 ORDER BY id", {}))) {
    const auto quota = Quota::from_row(row);
    if (!names(quota, charge) || !limits(quota, charge.write)) continue;
    const std::int64_t hour = charge.write ? quota.writes_hour : quota.reads_hour;
    const std::int64_t day = charge.write ? quota.writes_day : quota.reads_day;
    TRY(check(transaction, quota, charge, hour, kHour));
    TRY(check(transaction, quota, charge, day, kDay));
    TRY(note_use(transaction, quota, charge));
  }
  return {};
}

}  // namespace tapewarden::keymgr
