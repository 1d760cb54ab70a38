#include "keymgr/names_there.h"

#include "base/text.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr {
namespace {

constexpr std::size_t kNameShown = 64;

std::unexpected<Error> nowhere(std::string_view what, std::string_view name, std::string_view field,
                               std::string remedy) {
  return fail(
      ErrorCode::kNotFound,
      "there is no " + std::string(what) + " \"" + escape_unprintable(name.substr(0, kNameShown)) + "\"",
      std::string(field), std::move(remedy));
}

}  // namespace

Status check_group_there(KeyManager& manager, std::string_view name, std::string_view field) {
  if (name.empty()) return {};
  return manager.keystore().read([&](store::Reader& reader) -> Status {
    if (TRY(manager.groups().find(reader, name))) return {};
    return nowhere("key group", name, field, "create it first (group create), or name another one");
  });
}

Status check_label_there(KeyManager& manager, std::string_view label, std::string_view field) {
  if (label.empty()) return {};
  return manager.keystore().read([&](store::Reader& reader) -> Status {
    if (!TRY(manager.keks().find_by_label(reader, label)).empty()) return {};
    return nowhere("KEK with the label", label, field,
                   "create or import the KEK first (kek create, kek import), or name another label");
  });
}

Status check_alias_there(KeyManager& manager, std::string_view alias, std::string_view field) {
  if (alias.empty()) return {};
  return manager.keystore().read([&](store::Reader& reader) -> Status {
    if (!TRY(manager.keys().find_all(reader, alias)).empty()) return {};
    return nowhere("data key with the alias", alias, field, "list the keys to see their aliases (key list)");
  });
}

Status check_names_there(KeyManager& manager, const DriveChange& change) {
  if (change.default_group) TRY(check_group_there(manager, *change.default_group, "default_group"));
  if (change.default_alias) TRY(check_alias_there(manager, *change.default_alias, "default_alias"));
  if (change.label_1) TRY(check_label_there(manager, change.label_1->label, "label_1"));
  if (change.label_2) TRY(check_label_there(manager, change.label_2->label, "label_2"));
  return {};
}

Status check_object_there(KeyManager& manager, ObjectKind kind, std::string_view name) {
  if (kind == ObjectKind::kGroup) return check_group_there(manager, name, "object");
  if (kind == ObjectKind::kLabel) return check_label_there(manager, name, "object");
  return {};
}

Result<std::int64_t> unused_keys_of(KeyManager& manager, std::string_view group) {
  const auto found = TRY(manager.group(group)).group;
  const std::string which =
      found.policy == GroupPolicy::kUseOnce ? "group_name = ? AND uses = 0" : "group_name = ?";
  std::int64_t count = 0;
  TRY(manager.keystore().read([&](store::Reader& reader) -> Status {
    count = TRY(reader.aggregate(kDataKeyTable, "COUNT(*)", which, {found.name}));
    return {};
  }));
  return count;
}

}  // namespace tapewarden::keymgr
