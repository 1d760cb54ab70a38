#include "keymgr/access_rules.h"

#include <algorithm>

#include "base/text.h"
#include "eedk/ekm_code.h"
#include "keymgr/audit_note.h"
#include "keymgr/client_name.h"
#include "keymgr/drive_table.h"
#include "keymgr/keks.h"
#include "keymgr/key_groups.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr {
namespace {

bool speaks_of(const AccessRule& rule, const AccessSubject& subject) {
  return is_subject(rule.subject_kind, rule.subject, subject);
}

std::string describe(const AccessRule& rule) {
  return std::string(to_string(rule.subject_kind)) + " " + rule.subject + " on " +
         std::string(to_string(rule.object_kind)) + " " + rule.object + ":" +
         (rule.may_write ? " write" : "") + (rule.may_read ? " read" : "");
}

}  // namespace

Result<std::string> canonical_subject(SubjectKind kind, const std::string& subject) {
  switch (kind) {
    case SubjectKind::kAny:
      if (!subject.empty()) break;
      return std::string();
    case SubjectKind::kDrive:
      return canonical_serial(subject);
    case SubjectKind::kProxy:
      if (TRY(from_hex(subject)).size() != 32) break;
      return to_lower(subject);
    case SubjectKind::kPartition:
      if (subject.empty() || subject.size() > kMaximumProxyNameCharacters || !is_printable(subject)) break;
      return to_upper(subject);
    case SubjectKind::kClient:
      return canonical_kmip_client(subject, "subject");
  }
  return fail(ErrorCode::kInvalidArgument, "the subject does not fit its kind", "subject",
              "a drive's serial, a proxy's certificate fingerprint (64 hex digits), a partition's name, a "
              "KMIP client's "
              "name, or nothing for any");
}

Result<std::string> canonical_object(ObjectKind kind, const std::string& object) {
  if (kind == ObjectKind::kGroup) return canonical_group(object);
  if (kind == ObjectKind::kLabel) return canonical_label(object);
  if (object.empty()) return std::string();
  return fail(ErrorCode::kInvalidArgument, "a rule for any object names none", "object");
}

bool is_subject(SubjectKind kind, std::string_view name, const AccessSubject& subject) {
  switch (kind) {
    case SubjectKind::kAny:
      return true;
    case SubjectKind::kDrive:
      return subject.client.empty() && name == subject.serial;
    case SubjectKind::kProxy:
      return subject.proxy && name == to_hex(*subject.proxy);
    case SubjectKind::kPartition:
      return !subject.partition.empty() && name == to_upper(subject.partition);
    case SubjectKind::kClient:
      return !subject.client.empty() && name == subject.client;
  }
  return false;
}

Status check_regroup(store::Reader& reader, const Settings& settings, const Actor& actor,
                     const std::string& group) {
  if (actor.changes_access()) return {};
  const auto rules = TRY(reader.aggregate(kAccessRuleTable, "COUNT(*)", "object_kind = ? AND object = ?",
                                          {static_cast<std::int64_t>(ObjectKind::kGroup), group}));
  if (TRY(settings.open_by_default(reader)) && (group.empty() || rules == 0)) return {};
  return fail(ErrorCode::kPermissionDenied,
              group.empty() ? std::string("a key in no group is closed while access.default is deny")
                            : "access rules guard the group " + group + ": its keys stay in it",
              "group", "a security officer moves such keys");
}

Result<AccessRule> AccessRules::add(store::Transaction& transaction, const Actor& actor,
                                    AccessRule rule) const {
  rule.id = Uuid::random(*context_.env.random);
  rule.subject = TRY(canonical_subject(rule.subject_kind, rule.subject));
  rule.object = TRY(canonical_object(rule.object_kind, rule.object));
  rule.added = context_.now();
  const auto count = TRY(transaction.aggregate(kAccessRuleTable, "COUNT(*)", "1", {}));
  if (count >= static_cast<std::int64_t>(kMaximumAccessRules)) {
    return fail(ErrorCode::kExhausted, "there are too many access rules", {}, "remove rules no longer used");
  }
  const auto same = TRY(transaction.aggregate(
      kAccessRuleTable, "COUNT(*)", "subject_kind = ? AND subject = ? AND object_kind = ? AND object = ?",
      {static_cast<std::int64_t>(rule.subject_kind), rule.subject,
       static_cast<std::int64_t>(rule.object_kind), rule.object}));
  if (same > 0) {
    return fail(ErrorCode::kAlreadyExists, "there is a rule for this subject and object already", "subject",
                "remove that rule first");
  }
  TRY(transaction.put(kAccessRuleTable, rule.to_row()));
  note(transaction, context_,
       {.type = AuditType::kConfigurationManagement,
        .action = "access.add",
        .actor = actor,
        .fields = {{"id", rule.id.text()}, {"rule", describe(rule)}}});
  return rule;
}

Status AccessRules::remove(store::Transaction& transaction, const Actor& actor, const Uuid& id) const {
  const auto row = TRY(transaction.get(kAccessRuleTable, {to_bytes(id.view())}));
  if (!row) return fail(ErrorCode::kNotFound, "there is no access rule with this id", "id");
  TRY(transaction.erase(kAccessRuleTable, {to_bytes(id.view())}));
  note(transaction, context_,
       {.type = AuditType::kConfigurationManagement,
        .action = "access.remove",
        .actor = actor,
        .fields = {{"id", id.text()}, {"rule", describe(AccessRule::from_row(*row))}}});
  return {};
}

Result<Page<AccessRule>> AccessRules::list(store::Reader& reader, const PageRequest& page) const {
  Bytes after;
  if (!page.after.empty()) after = to_bytes(TRY(Uuid::parse(page.after)).view());
  const auto limit = std::min(page.limit, kMaximumPage);
  const auto rows = TRY(reader.query(kAccessRuleTable, "id > ? ORDER BY id LIMIT ?",
                                     {after, static_cast<std::int64_t>(limit)}));
  Page<AccessRule> out;
  for (const auto& row : rows) out.items.push_back(AccessRule::from_row(row));
  if (limit > 0 && out.items.size() == limit) out.next = out.items.back().id.text();
  return out;
}

Result<bool> AccessRules::allows(store::Reader& reader, const AccessSubject& subject,
                                 const AccessObject& object, Right right) const {
  auto rules =
      TRY(reader.query(kAccessRuleTable, "object_kind = ?", {static_cast<std::int64_t>(ObjectKind::kAny)}));
  for (const auto& name : object.names) {
    for (auto& row : TRY(reader.query(kAccessRuleTable, "object_kind = ? AND object = ?",
                                      {static_cast<std::int64_t>(object.kind), to_upper(name)}))) {
      rules.push_back(std::move(row));
    }
  }
  if (rules.empty()) return settings_.open_by_default(reader);
  return std::ranges::any_of(rules, [&](const store::Row& row) {
    const auto rule = AccessRule::from_row(row);
    return (right == Right::kWrite ? rule.may_write : rule.may_read) && speaks_of(rule, subject);
  });
}

Status AccessRules::check(store::Reader& reader, const AccessSubject& subject, const AccessObject& object,
                          Right right) const {
  if (TRY(allows(reader, subject, object, right))) return {};
  std::string names;
  for (const auto& name : object.names) names += (names.empty() ? "\"" : ", \"") + name + "\"";
  const bool client = !subject.client.empty();
  return eedk::fail_ekm(ErrorCode::kPermissionDenied, eedk::EkmCode::kProhibited,
                        (client ? "KMIP client " + subject.client : "drive " + subject.serial) + " may not " +
                            std::string(to_string(right)) + " with " + std::string(to_string(object.kind)) +
                            " " + (names.empty() ? "(none)" : names),
                        std::string(to_string(object.kind)),
                        client ? "add an access rule for this client"
                               : "add an access rule for this drive, its proxy or its partition");
}

}  // namespace tapewarden::keymgr
