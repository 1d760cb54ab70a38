#include "keymgr/write_choice.h"

#include <algorithm>

#include "base/text.h"
#include "eedk/ekm_code.h"
#include "keymgr/serve_policy.h"

namespace tapewarden::keymgr {

using eedk::EkmCode;
using eedk::fail_ekm;

Method choose_method(const KeyRequest& request, const Drive& drive) {
  if (request.method) return *request.method;
  if (!request.labels.empty()) return Method::kWrappedKey;
  if (!request.alias.empty() || !request.group.empty()) return Method::kIdentifiedKey;
  return drive.kind == DriveKind::kLto ? Method::kIdentifiedKey : Method::kWrappedKey;
}

Result<IdentifiedChoice> choose_identified(store::Reader& reader, const KeyManager& manager,
                                           const KeyRequest& request, const Drive& drive) {
  if (!request.alias.empty()) return IdentifiedChoice{request.alias, {}};
  if (!request.group.empty()) return IdentifiedChoice{{}, request.group};
  if (!drive.default_alias.empty()) return IdentifiedChoice{drive.default_alias, {}};
  if (!drive.default_group.empty()) return IdentifiedChoice{{}, drive.default_group};
  const auto group = TRY(manager.groups().default_group(reader));
  if (group) return IdentifiedChoice{{}, group->name};
  return fail_ekm(
      ErrorCode::kNotFound, EkmCode::kKeystoreConfiguration,
      "no key group is configured for drive " + drive.serial, "group",
      "name a group or alias in the request, give the drive a default, or make a group the default "
      "for writing");
}

Result<std::vector<LabelChoice>> choose_labels(store::Reader& reader, const KeyManager& manager,
                                               const std::vector<LabelChoice>& asked, const Drive& drive) {
  if (!asked.empty()) return asked;
  std::vector<LabelChoice> out;
  for (const auto& choice : {drive.label_1, drive.label_2}) {
    if (!choice.label.empty()) out.push_back(choice);
  }
  if (out.empty()) out = TRY(manager.settings().default_labels(reader));
  if (!out.empty()) return out;
  return fail_ekm(ErrorCode::kNotFound, EkmCode::kKeystoreConfiguration,
                  "no key label is configured for drive " + drive.serial, "labels",
                  "name labels in the request, give the drive labels, or set default.label1");
}

Result<WrapTarget> resolve_label(store::Reader& reader, const KeyManager& manager, KeyCache& cache,
                                 const LabelChoice& choice) {
  const std::string shown = "\"" + escape_unprintable(choice.label.substr(0, kMaximumLabelCharacters)) + "\"";
  auto keks = TRY(manager.keks().find_by_label(reader, choice.label));
  if (keks.empty()) {
    return fail_ekm(ErrorCode::kNotFound, EkmCode::kKeystoreConfiguration,
                    "the key label " + shown + " is not known here", "labels",
                    "import the certificate under this label, or name another label");
  }
  if (keks.size() > 1) {
    return fail_ekm(ErrorCode::kConflict, EkmCode::kKeystoreConfiguration,
                    "the key label " + shown + " names different certificates: " + to_hex(keks[0].id) +
                        " and " + to_hex(keks[1].id),
                    "labels", "remove the label from all but one of them");
  }
  const bool hidden = keks.front().quarantined != kNever;
  if (hidden || !may_start_cartridge(keks.front().state)) {
    return fail_ekm(ErrorCode::kConflict, EkmCode::kKeystoreConfiguration,
                    "the KEK of the key label " + shown + " is " +
                        std::string(hidden ? "quarantined" : to_string(keks.front().state)) +
                        " and begins no cartridge any more",
                    "labels", "name the label of an active KEK");
  }
  WrapTarget out;
  out.choice = choice;
  out.kek = std::move(keks.front());
  out.key = TRY(cache.public_half(out.kek));
  out.labels = TRY(manager.keks().labels_of(reader, out.kek.id));
  return out;
}

namespace {

Status check_readable(store::Reader& reader, const KeyManager& manager, std::span<const WrapTarget> targets) {
  bool held = false;
  for (const auto& target : targets) {
    if (TRY(manager.keks().private_half_safe(reader, target.kek))) return {};
    held = held || target.kek.has_private;
  }
  if (std::ranges::any_of(targets, [](const WrapTarget& t) { return t.kek.proven && !t.kek.has_private; }))
    return {};
  if (held) {
    return refuse_without_peer(manager.context(),
                               "the private half of none of these labels is held by the peer server yet",
                               "labels");
  }
  return fail_ekm(ErrorCode::kNotFound, EkmCode::kKeystoreConfiguration,
                  "the private half of none of these labels is held here", "labels",
                  "name a label whose key pair is held here, or let the holder prove that he can unwrap");
}

}  // namespace

Status check_recoverable(store::Reader& reader, const KeyManager& manager,
                         std::span<const WrapTarget> targets) {
  TRY(check_readable(reader, manager, targets));
  const WriteGate gate = TRY(write_gate(reader, manager.context(), manager.settings()));
  if (gate.backup == WriteGate::kOpen) return {};
  for (const auto& target : targets) {
    if (!target.kek.has_private) continue;
    const std::int64_t mark = TRY(backup_mark(reader, target.kek));
    if (mark <= gate.backup) continue;
    return wait_for_backup(manager.context(), mark, "the private half of the KEK " + target.kek.common_name,
                           "labels");
  }
  return {};
}

}  // namespace tapewarden::keymgr
