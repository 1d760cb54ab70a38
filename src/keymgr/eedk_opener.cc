#include "keymgr/eedk_opener.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/text.h"
#include "eedk/ekm_code.h"
#include "eedk/sedk.h"

namespace tapewarden::keymgr {
namespace {

Result<std::vector<Kek>> find_keks(store::Reader& reader, const KeyManager& manager,
                                   const eedk::KekLabel& label) {
  if (const auto* clear = std::get_if<eedk::ClearLabel>(&label)) {
    return manager.keks().find_by_label(reader, clear->text);
  }
  std::vector<Kek> out;
  auto kek = TRY(manager.keks().find(reader, std::get<eedk::HashLabel>(label).spki));
  if (kek) out.push_back(*std::move(kek));
  return out;
}

Result<bool> all_allowed(store::Reader& reader, const KeyManager& manager, const AccessSubject& subject,
                         const AccessObject& object, std::span<const Right> rights) {
  for (const Right right : rights) {
    if (!TRY(manager.access().allows(reader, subject, object, right))) return false;
  }
  return true;
}

// Costs one private key operation of the decoy and gives nothing.
void spend_decoy(const crypto::PrivateKey& decoy) {
  Bytes nothing(decoy.public_key().bits() / 8, 1);
  nothing.front() = 0;
  const auto ignored = decoy.unwrap(nothing);
  static_cast<void>(ignored);
}

}  // namespace

Result<Openers> gather_openers(store::Reader& reader, const KeyManager& manager, KeyCache& cache,
                               const AccessSubject& subject, const eedk::EedkSet& set,
                               std::span<const Right> rights) {
  Openers out;
  for (std::size_t i = 0; i < set.eedks.size(); ++i) {
    const auto& label = set.eedks[i].label;
    const auto* clear = std::get_if<eedk::ClearLabel>(&label);
    const std::string shown = clear != nullptr ? "label \"" + escape_unprintable(clear->text) + "\""
                                               : "key hash " + eedk::to_string(label);
    out.wanted += (out.wanted.empty() ? "" : " or ") + shown;
    for (auto& kek : TRY(find_keks(reader, manager, label))) {
      auto labels = TRY(manager.keks().labels_of(reader, kek.id));
      const std::string name = clear != nullptr ? clear->text
                               : labels.empty() ? std::string()
                                                : labels.front();
      if (out.labels.size() <= i && !name.empty()) out.labels.push_back({name, eedk::mode_of(label)});
      if (!kek.has_private || is_tombstone(kek.state) || kek.quarantined != kNever) continue;
      if (!TRY(all_allowed(reader, manager, subject, {ObjectKind::kLabel, labels}, rights))) {
        out.denied = name.empty() ? shown : name;
        continue;
      }
      auto key = TRY(cache.private_half(manager.keks(), reader, kek));
      out.usable.push_back({i, std::move(kek), std::move(key), std::move(labels)});
    }
  }
  // At most a handful: the active ones first, and the rest, each in their order. (The library's stable
  // partition is deprecated under clang.)
  std::vector<Opener> others;
  std::vector<Opener> ordered;
  for (auto& opener : out.usable) {
    auto& where = may_extend_cartridge(opener.kek.state) ? ordered : others;
    where.push_back(std::move(opener));
  }
  std::ranges::move(others, std::back_inserter(ordered));
  out.usable = std::move(ordered);
  return out;
}

Result<OpenedKey> open_set(const eedk::EedkSet& set, const Openers& openers,
                           const crypto::PrivateKey& decoy) {
  std::vector<bool> tried(set.eedks.size(), false);
  for (const auto& opener : openers.usable) {
    tried[opener.eedk] = true;
    auto key = eedk::open_eedk(set.eedks[opener.eedk], opener.key, set.volume);
    if (!key || key->size() != kDataKeyBytes) continue;
    const auto check = crypto::key_check_value(*key, set.volume);
    if (!crypto::equal_constant_time(check, set.key_check)) continue;
    return OpenedKey{std::move(*key), opener};
  }
  for (const bool done : tried) {
    if (!done) spend_decoy(decoy);
  }
  if (openers.usable.empty() && !openers.denied.empty()) {
    return eedk::fail_ekm(
        ErrorCode::kPermissionDenied, eedk::EkmCode::kProhibited,
        "access rules keep the key label \"" + escape_unprintable(openers.denied) + "\" from this drive",
        "labels");
  }
  return eedk::fail_ekm(
      ErrorCode::kWrongKey, eedk::EkmCode::kKeyNotHeld,
      "the key of this cartridge could not be recovered here; its EEDKs want " + openers.wanted, "eedks",
      "import the key pair wanted, give it the label wanted, or ask the site that holds it; when "
      "it is held here, the EEDKs are damaged: repair them from the ledger");
}

}  // namespace tapewarden::keymgr
