#include "keymgr/rows.h"

#include <algorithm>
#include <initializer_list>

#include "base/text.h"
#include "keymgr/row_codec.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr {
namespace {

void write_times(RowWriter& out, const StateTimes& times) {
  out.time(times.created)
      .time(times.activated)
      .time(times.deactivated)
      .time(times.compromised)
      .time(times.destroyed);
}

StateTimes read_times(RowReader& in) {
  StateTimes times;
  times.created = in.time();
  times.activated = in.time();
  times.deactivated = in.time();
  times.compromised = in.time();
  times.destroyed = in.time();
  return times;
}

void write_label(RowWriter& out, const LabelChoice& choice) {
  out.text(choice.label).number_of(choice.mode);
}

LabelChoice read_label(RowReader& in) {
  LabelChoice choice;
  choice.label = in.text();
  choice.mode = in.enumeration<LabelMode>();
  return choice;
}

// One of the values whose name equals the text, without case.
template <typename E>
Result<E> parse_named(std::string_view text, std::string_view field, std::initializer_list<E> values) {
  std::string names;
  for (const E value : values) {
    if (equal_ignoring_case(text, to_string(value))) return value;
    names += (names.empty() ? "" : ", ") + std::string(to_string(value));
  }
  return fail(ErrorCode::kInvalidArgument,
              "\"" + escape_unprintable(text.substr(0, 64)) + "\" is not possible here", std::string(field),
              "use one of: " + names);
}

}  // namespace

void mark(StateTimes& times, KeyState state, WallTime now) {
  switch (state) {
    case KeyState::kPreActive:
      times.created = now;
      break;
    case KeyState::kActive:
      times.activated = now;
      break;
    case KeyState::kDeactivated:
      times.deactivated = now;
      break;
    case KeyState::kCompromised:
      times.compromised = now;
      break;
    case KeyState::kDestroyed:
    case KeyState::kDestroyedCompromised:
      if (times.destroyed == kNever) times.destroyed = now;
      if (state == KeyState::kDestroyedCompromised && times.compromised == kNever) times.compromised = now;
      break;
  }
}

WallTime earliest(WallTime a, WallTime b) {
  if (a == kNever) return b;
  return b == kNever ? a : std::min(a, b);
}

StateTimes join(const StateTimes& a, const StateTimes& b) {
  return {earliest(a.created, b.created), earliest(a.activated, b.activated),
          earliest(a.deactivated, b.deactivated), earliest(a.compromised, b.compromised),
          earliest(a.destroyed, b.destroyed)};
}

store::Row DataKey::to_row() const {
  RowWriter out(kDataKeyTable);
  out.uuid(id).text(alias).blob(dki.view()).number_of(state).uuid(owner).text(group).integer(position);
  out.blob(sealed_key).blob(fingerprint);
  write_times(out, times);
  out.number_of(origin).integer(uses).integer(created_commit);
  return out.integer(owner_epoch).integer(transfers).time(quarantined).take();
}

DataKey DataKey::from_row(const store::Row& row) {
  RowReader in(kDataKeyTable, row);
  DataKey key;
  key.id = in.uuid();
  key.alias = in.text();
  key.dki.bytes = in.array<eedk::kDataKeyIdentifierBytes>();
  key.state = in.enumeration<KeyState>();
  key.owner = in.uuid();
  key.group = in.text();
  key.position = in.integer();
  key.sealed_key = in.blob();
  key.fingerprint = in.array<16>();
  key.times = read_times(in);
  key.origin = in.enumeration<KeyOrigin>();
  key.uses = in.integer();
  key.created_commit = in.integer();
  key.owner_epoch = in.integer();
  key.transfers = in.integer();
  key.quarantined = in.time();
  return key;
}

std::string_view to_string(GroupPolicy policy) {
  return policy == GroupPolicy::kUseOnce ? "use-once" : "round-robin";
}

Result<GroupPolicy> parse_group_policy(std::string_view text) {
  return parse_named(text, "policy", {GroupPolicy::kUseOnce, GroupPolicy::kRoundRobin});
}

store::Row KeyGroup::to_row() const {
  return RowWriter(kKeyGroupTable)
      .text(name)
      .number_of(policy)
      .integer(keys_ahead)
      .text(alias_prefix)
      .flag(default_write)
      .time(created)
      .take();
}

KeyGroup KeyGroup::from_row(const store::Row& row) {
  RowReader in(kKeyGroupTable, row);
  KeyGroup group;
  group.name = in.text();
  group.policy = in.enumeration<GroupPolicy>();
  group.keys_ahead = in.integer();
  group.alias_prefix = in.text();
  group.default_write = in.flag();
  group.created = in.time();
  return group;
}

store::Row GroupCursor::to_row() const {
  return RowWriter(kGroupCursorTable)
      .text(group)
      .uuid(server)
      .integer(position)
      .integer(next_position)
      .integer(total)
      .integer(used)
      .integer(warned_percent)
      .take();
}

GroupCursor GroupCursor::from_row(const store::Row& row) {
  RowReader in(kGroupCursorTable, row);
  GroupCursor cursor;
  cursor.group = in.text();
  cursor.server = in.uuid();
  cursor.position = in.integer();
  cursor.next_position = in.integer();
  cursor.total = in.integer();
  cursor.used = in.integer();
  cursor.warned_percent = in.integer();
  return cursor;
}

store::Row Kek::to_row() const {
  RowWriter out(kKekTable);
  out.blob(id).blob(certificate).text(common_name).time(not_after).flag(has_private).blob(sealed_private);
  out.number_of(state);
  write_times(out, times);
  return out.number_of(origin).flag(proven).time(proven_at).integer(private_commit).time(quarantined).take();
}

Kek Kek::from_row(const store::Row& row) {
  RowReader in(kKekTable, row);
  Kek kek;
  kek.id = in.array<32>();
  kek.certificate = in.blob();
  kek.common_name = in.text();
  kek.not_after = in.time();
  kek.has_private = in.flag();
  kek.sealed_private = in.blob();
  kek.state = in.enumeration<KeyState>();
  kek.times = read_times(in);
  kek.origin = in.enumeration<KeyOrigin>();
  kek.proven = in.flag();
  kek.proven_at = in.time();
  kek.private_commit = in.integer();
  kek.quarantined = in.time();
  return kek;
}

store::Row KekLabelRow::to_row() const {
  return RowWriter(kKekLabelTable).text(label).blob(kek).text(display).time(added).take();
}

KekLabelRow KekLabelRow::from_row(const store::Row& row) {
  RowReader in(kKekLabelTable, row);
  KekLabelRow label;
  label.label = in.text();
  label.kek = in.array<32>();
  label.display = in.text();
  label.added = in.time();
  return label;
}

std::string_view to_string(DriveKind kind) {
  return kind == DriveKind::kLto ? "LTO" : "3592";
}

Result<DriveKind> parse_drive_kind(std::string_view text) {
  return parse_named(text, "kind", {DriveKind::kLto, DriveKind::k3592});
}

std::string_view to_string(DriveState state) {
  switch (state) {
    case DriveState::kPending:
      return "pending";
    case DriveState::kAccepted:
      return "accepted";
    case DriveState::kRejected:
      return "rejected";
  }
  return "unknown";
}

Result<DriveState> parse_drive_state(std::string_view text) {
  return parse_named(text, "state", {DriveState::kPending, DriveState::kAccepted, DriveState::kRejected});
}

store::Row Drive::to_row() const {
  RowWriter out(kDriveTable);
  out.text(serial).text(wwnn).number_of(kind).number_of(state).text(default_alias).text(default_group);
  write_label(out, label_1);
  write_label(out, label_2);
  out.blob(certificate).blob(identity_hash).blob(wrapping_spki);
  out.blob(offered_certificate).blob(offered_wrapping_spki).blob(offered_proxy).text(offered_proxy_name);
  return out.time(first_seen).time(decided_at).text(decided_by).take();
}

Drive Drive::from_row(const store::Row& row) {
  RowReader in(kDriveTable, row);
  Drive drive;
  drive.serial = in.text();
  drive.wwnn = in.text();
  drive.kind = in.enumeration<DriveKind>();
  drive.state = in.enumeration<DriveState>();
  drive.default_alias = in.text();
  drive.default_group = in.text();
  drive.label_1 = read_label(in);
  drive.label_2 = read_label(in);
  drive.certificate = in.blob();
  drive.identity_hash = in.blob();
  drive.wrapping_spki = in.blob();
  drive.offered_certificate = in.blob();
  drive.offered_wrapping_spki = in.blob();
  drive.offered_proxy = in.blob();
  drive.offered_proxy_name = in.text();
  drive.first_seen = in.time();
  drive.decided_at = in.time();
  drive.decided_by = in.text();
  return drive;
}

store::Row ProxyDrive::to_row() const {
  return RowWriter(kProxyDriveTable).blob(proxy).text(serial).text(proxy_name).time(added).take();
}

ProxyDrive ProxyDrive::from_row(const store::Row& row) {
  RowReader in(kProxyDriveTable, row);
  ProxyDrive entry;
  entry.proxy = in.array<32>();
  entry.serial = in.text();
  entry.proxy_name = in.text();
  entry.added = in.time();
  return entry;
}

std::string_view to_string(SubjectKind kind) {
  switch (kind) {
    case SubjectKind::kAny:
      return "any";
    case SubjectKind::kDrive:
      return "drive";
    case SubjectKind::kProxy:
      return "proxy";
    case SubjectKind::kPartition:
      return "partition";
    case SubjectKind::kClient:
      return "client";
  }
  return "unknown";
}

std::string_view to_string(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kAny:
      return "any";
    case ObjectKind::kGroup:
      return "group";
    case ObjectKind::kLabel:
      return "label";
  }
  return "unknown";
}

Result<SubjectKind> parse_subject_kind(std::string_view text) {
  return parse_named(text, "subject_kind",
                     {SubjectKind::kAny, SubjectKind::kDrive, SubjectKind::kProxy, SubjectKind::kPartition,
                      SubjectKind::kClient});
}

Result<ObjectKind> parse_object_kind(std::string_view text) {
  return parse_named(text, "object_kind", {ObjectKind::kAny, ObjectKind::kGroup, ObjectKind::kLabel});
}

store::Row AccessRule::to_row() const {
  return RowWriter(kAccessRuleTable)
      .uuid(id)
      .number_of(subject_kind)
      .text(subject)
      .number_of(object_kind)
      .text(object)
      .flag(may_write)
      .flag(may_read)
      .time(added)
      .take();
}

AccessRule AccessRule::from_row(const store::Row& row) {
  RowReader in(kAccessRuleTable, row);
  AccessRule rule;
  rule.id = in.uuid();
  rule.subject_kind = in.enumeration<SubjectKind>();
  rule.subject = in.text();
  rule.object_kind = in.enumeration<ObjectKind>();
  rule.object = in.text();
  rule.may_write = in.flag();
  rule.may_read = in.flag();
  rule.added = in.time();
  return rule;
}

std::string_view to_string(LedgerState state) {
  switch (state) {
    case LedgerState::kIssued:
      return "issued";
    case LedgerState::kConfirmed:
      return "confirmed";
    case LedgerState::kImported:
      return "imported";
  }
  return "unknown";
}

store::Row LedgerEntry::to_row() const {
  RowWriter out(kLedgerTable);
  out.uuid(server).integer(sequence).text(volser).uuid(volume).number_of(method).number_of(purpose);
  out.number_of(state).blob(request_id).text(alias).blob(dki).text(group);
  write_label(out, label_1);
  write_label(out, label_2);
  out.blob(kek_1).blob(kek_2).blob(eedk_set).blob(kcv).text(drive).text(wwnn).text(proxy);
  return out.time(issued).time(confirmed).take();
}

LedgerEntry LedgerEntry::from_row(const store::Row& row) {
  RowReader in(kLedgerTable, row);
  LedgerEntry entry;
  entry.server = in.uuid();
  entry.sequence = in.integer();
  entry.volser = in.text();
  entry.volume = in.uuid();
  entry.method = in.enumeration<Method>();
  entry.purpose = in.enumeration<Purpose>();
  entry.state = in.enumeration<LedgerState>();
  entry.request_id = in.blob();
  entry.alias = in.text();
  entry.dki = in.blob();
  entry.group = in.text();
  entry.label_1 = read_label(in);
  entry.label_2 = read_label(in);
  entry.kek_1 = in.blob();
  entry.kek_2 = in.blob();
  entry.eedk_set = in.blob();
  entry.kcv = in.blob();
  entry.drive = in.text();
  entry.wwnn = in.text();
  entry.proxy = in.text();
  entry.issued = in.time();
  entry.confirmed = in.time();
  return entry;
}

std::string_view to_string(ConflictOutcome outcome) {
  return outcome == ConflictOutcome::kOneKept ? "one-kept" : "merged";
}

store::Row ConflictRow::to_row() const {
  RowWriter out(kConflictTable);
  out.uuid(id).text(table).text(key);
  for (const ConflictVersion* side : {&high, &low}) {
    out.integer(side->version).uuid(side->origin).text(side->content);
  }
  return out.number_of(outcome).time(found).uuid(found_by).time(acknowledged).text(acknowledged_by).take();
}

ConflictRow ConflictRow::from_row(const store::Row& row) {
  RowReader in(kConflictTable, row);
  ConflictRow out;
  out.id = in.uuid();
  out.table = in.text();
  out.key = in.text();
  for (ConflictVersion* side : {&out.high, &out.low}) {
    side->version = in.integer();
    side->origin = in.uuid();
    side->content = in.text();
  }
  out.outcome = in.enumeration<ConflictOutcome>();
  out.found = in.time();
  out.found_by = in.uuid();
  out.acknowledged = in.time();
  out.acknowledged_by = in.text();
  return out;
}

store::Row ServerRow::to_row() const {
  return RowWriter(kServerTable)
      .uuid(id)
      .text(name)
      .blob(signing_certificate)
      .blob(exchange_certificate)
      .integer(installation)
      .integer(epoch)
      .take();
}

ServerRow ServerRow::from_row(const store::Row& row) {
  RowReader in(kServerTable, row);
  ServerRow server;
  server.id = in.uuid();
  server.name = in.text();
  server.signing_certificate = in.blob();
  server.exchange_certificate = in.blob();
  server.installation = static_cast<std::uint32_t>(in.integer());
  server.epoch = in.integer();
  return server;
}

}  // namespace tapewarden::keymgr
