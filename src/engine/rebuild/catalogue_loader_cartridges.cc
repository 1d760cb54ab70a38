#include <set>

#include "base/counted.h"
#include "base/text.h"
#include "engine/catalogue/damage_note.h"
#include "engine/catalogue/limits.h"
#include "engine/rebuild/catalogue_loader.h"
#include "engine/rebuild/limits.h"

namespace tapewarden::engine {
namespace {

std::string cut_note(const std::string& text) {
  return escape_unprintable(text).substr(0, kMaximumNoteCharacters);
}

bool out_of_library(CartridgeState state) {
  return state == CartridgeState::kEjected || state == CartridgeState::kExported;
}

// What the engine or an operator found of it counts as long as it was not begun anew.
bool known_bad(const PhysicalVolume& cartridge) {
  return cartridge.state == CartridgeState::kDamaged || cartridge.note.starts_with(kDamageNote);
}

bool holds_nothing(CartridgeState state) {
  return state == CartridgeState::kScratch || state == CartridgeState::kAwaitingErase;
}

}  // namespace

Status CatalogueLoader::settle_cartridges() {
  for (const auto& path : input_.examinations) {
    const auto found = TRY(read_examination(disk_, path));
    if (found.label.engine == input_.engine) {
      settle_read(found);
    } else {
      report_.find(FindingKind::kOtherEngine, found.label.barcode, "engine " + found.label.engine.text());
      backup_cartridges_.erase(found.label.barcode);
    }
  }
  for (const auto& unread : input_.unread) settle_unread(unread);
  settle_absent();
  return {};
}

// What was asked of it when the backup was made may have been done, changed or withdrawn since. New key
// labels are brought by the engine on its own and may be those of somebody who is to read it no more: they
// are asked for again by an operator, or not at all. So are moves: the pool that they go to may be another
// one's by now, or encrypt by other keys. To erase too much is no such risk: only what is emptied is erased.
void CatalogueLoader::add(Entry entry) {
  auto& cartridge = entry.volume;
  if (cartridge.rekey.wanted()) {
    std::string labels;
    for (const auto& label : cartridge.rekey.labels)
      if (!label.text.empty()) labels += (labels.empty() ? "" : ", ") + escape_unprintable(label.text);
    report_.find(FindingKind::kLabelsDropped, cartridge.barcode, "key labels " + labels);
    cartridge.rekey = {};
  }
  if (cartridge.move.when != MoveRequest::When::kNone) {
    report_.find(
        FindingKind::kMoveDropped, cartridge.barcode,
        "to pool " + std::to_string(cartridge.move.target_pool) +
            (cartridge.move.when == MoveRequest::When::kNow ? " now" : " when reclaim would take it"));
    cartridge.move = {};
  }
  if (cartridge.erase_first)
    report_.find(FindingKind::kToBeErased, cartridge.barcode,
                 "was " + std::string(to_string(cartridge.state)));
  backup_cartridges_.erase(entry.volume.barcode);
  entry_of_[entry.volume.barcode] = static_cast<std::uint32_t>(entries_.size());
  entries_.push_back(std::move(entry));
}

void CatalogueLoader::settle_read(const Examination& found) {
  const auto& label = found.label;
  Entry entry;
  entry.read = true;
  auto& out = entry.volume;
  const auto known = backup_cartridges_.find(label.barcode);
  const bool same = known != backup_cartridges_.end() && known->second.medium == label.medium;
  if (known != backup_cartridges_.end()) out = known->second;
  entry.rank = {true, found.damaged.empty() && !(same && known_bad(out)), label.created};
  if (!same) {
    out.note.clear();
    out.pool = label.pool;
    out.labels = {};
    out.alias.clear();
    out.move = {};
    out.rekey = {};
    out.erase_first = false;
    out.last_written.reset();
    out.last_accessed.reset();
    out.full_since.reset();
    out.first_written = label.created;
    if (known == backup_cartridges_.end()) out.home_pool = label.pool;
  } else if (!holds_nothing(out.state) && !out_of_library(out.state)) {
    entry.before = out.state;
  }
  if (same && holds_nothing(out.state)) entry.before = out.state;
  out.barcode = label.barcode;
  out.kind = found.kind;
  out.medium = label.medium;
  out.encryption = found.encryption;
  if (out.encryption != MediumEncryption::kWrapped) out.rekey = {};
  out.library = found.library;
  if (!found.alias.empty()) out.alias = found.alias;
  out.next_file = found.next_file;
  out.written_bytes = found.written_bytes;
  for (const auto& image : found.images)
    if (!out.last_written || *out.last_written < image.written) out.last_written = image.written;
  for (const auto& backup : found.backups) {
    if (backup.file + 1 != found.next_file) continue;
    (backup.early ? entry.backup_at_end : entry.filled) = true;
  }
  entry.new_to_backup = !same;
  entry.damaged_files = !found.damaged.empty();
  for (const auto& damaged : found.damaged)
    report_.find(FindingKind::kDamagedImage, label.barcode,
                 "tape file " + std::to_string(damaged.file) + ": " + damaged.why);
  if (found.torn)
    report_.find(FindingKind::kTornImage, label.barcode, "tape file " + std::to_string(found.next_file));
  const bool encrypted = found.encryption != MediumEncryption::kClear;
  if (encrypted && out.labels[0].text.empty() && out.alias.empty())
    report_.find(FindingKind::kUnknownLabels, label.barcode, std::string(to_string(found.encryption)));
  add(std::move(entry));
}

// A key is asked for, and the backup knows of none: it was begun encrypted since, in the pool that it was in,
// or in one that borrowed it and that nobody can name.
void CatalogueLoader::note_encrypted(const PhysicalVolume* known) {
  const bool told = known != nullptr && (known->encryption == MediumEncryption::kWrapped ||
                                         known->encryption == MediumEncryption::kIdentified);
  if (told) return;
  const bool one_pool = known != nullptr && known->pool != kCommonPool;
  if (!one_pool) all_may_encrypt_ = true;
  if (one_pool) may_encrypt_.insert(known->pool);
}

// What may hold something is never taken for scratch: neither written on nor given back.
void CatalogueLoader::settle_unread(const UnreadCartridge& unread) {
  const auto known = backup_cartridges_.find(unread.barcode);
  const bool is_known = known != backup_cartridges_.end();
  report_.find(unread.no_label ? FindingKind::kNoLabel : FindingKind::kUnreadCartridge, unread.barcode,
               unread.why);
  if (unread.no_label && !is_known) return;
  if (!check_barcode(unread.barcode)) return;
  if (unread.fault == MountFault::kKeys) note_encrypted(is_known ? &known->second : nullptr);
  Entry entry;
  if (is_known) entry.volume = known->second;
  entry.volume.barcode = unread.barcode;
  entry.volume.library = unread.library;
  if (!is_known) entry.volume.kind = unread.kind;
  const bool was_empty = is_known && holds_nothing(known->second.state);
  entry.volume.note = cut_note("not read when the catalogue was rebuilt: " + unread.why);
  entry.wanted = CartridgeState::kDamaged;
  entry.blank = unread.no_label;
  entry.volume.unexamined = !was_empty || !unread.no_label;
  if (was_empty && unread.no_label) {
    entry.wanted = known->second.state;
    entry.volume.note = known->second.note;
  } else if (is_known && unread.fault == MountFault::kKeys && !was_empty) {
    entry.wanted = CartridgeState::kClosed;
  }
  add(std::move(entry));
}

// Cartridges of the backup that no library has.
void CatalogueLoader::settle_absent() {
  while (!backup_cartridges_.empty()) {
    Entry entry;
    entry.volume = backup_cartridges_.begin()->second;
    entry.wanted = entry.volume.state;
    entry.volume.unexamined = true;  // it may have been written since
    if (!out_of_library(entry.volume.state)) {
      entry.wanted = CartridgeState::kEjected;
      entry.volume.note = "not in the library when the catalogue was rebuilt";
      report_.find(FindingKind::kAbsentCartridge, entry.volume.barcode,
                   "was " + std::string(to_string(entry.volume.state)));
    }
    add(std::move(entry));
  }
}

// Without a backup no setting is known, and the next volume of a pool that encrypted would go onto tape in
// clear. With one, a cartridge that was begun encrypted since tells that its pool was set after the backup,
// also where its key is refused.
Status CatalogueLoader::hold_pools() {
  std::map<std::uint8_t, std::pair<std::size_t, MediumKind>> written;  // cartridges that tell of it
  for (const auto& entry : entries_) {
    if (!entry.read || entry.volume.pool == kCommonPool) continue;
    const bool tells = entry.new_to_backup && entry.volume.encryption != MediumEncryption::kClear;
    if (input_.backup && !tells) continue;
    auto& [cartridges, kind] = written[entry.volume.pool];
    ++cartridges;
    kind = entry.volume.kind;
  }
  std::vector<Pool> held;
  TRY(catalogue_.change([&](CatalogueChange& change) -> Status {
    held.clear();
    for (auto pool : TRY(change.pools())) {
      const auto found = written.find(pool.number);
      const bool may_encrypt =
          found != written.end() || all_may_encrypt_ || may_encrypt_.contains(pool.number);
      const bool known = input_.backup && (!may_encrypt || pool.encryption != PoolEncryption::kOff);
      if (pool.number == kCommonPool || known) continue;
      pool.encryption = PoolEncryption::kHeld;
      if (!input_.backup && found != written.end()) pool.media = found->second.second;
      TRY(change.put(pool));
      held.push_back(std::move(pool));
    }
    return {};
  }));
  tell_held(held);
  return {};
}

void CatalogueLoader::tell_held(const std::vector<Pool>& held) {
  std::map<std::uint8_t, std::size_t> encrypted;
  for (const auto& entry : entries_)
    if (entry.read && entry.volume.encryption != MediumEncryption::kClear) ++encrypted[entry.volume.pool];
  for (const auto& pool : held)
    report_.find(FindingKind::kHeldPool, "pool " + std::to_string(pool.number),
                 counted(encrypted[pool.number], "encrypted cartridge"));
}

// As readable ones first, so that copies can be put on them.
Status CatalogueLoader::put_cartridges() {
  for (std::size_t at = 0; at < entries_.size(); at += kRowsOfChange) {
    TRY(catalogue_.change([&](CatalogueChange& change) -> Status {
      const auto end = std::min(at + kRowsOfChange, entries_.size());
      for (std::size_t i = at; i < end; ++i) {
        entries_[i].volume.state = CartridgeState::kClosed;
        TRY(change.put(entries_[i].volume));
      }
      return {};
    }));
  }
  return {};
}

std::string CatalogueLoader::keep_others(const std::string& volser) {
  std::string told;
  for (const auto& content : merge_->others(volser)) {
    std::set<std::string> where;
    for (const auto& places : {content.copies, content.others}) {
      for (const auto& place : places) {
        if (place.file == 0) continue;
        auto& entry = entries_.at(place.cartridge);
        entry.not_taken = volser;
        where.insert(entry.volume.barcode);
      }
    }
    std::string barcodes;
    for (const auto& barcode : where) barcodes += (barcodes.empty() ? "" : ", ") + barcode;
    told += (told.empty() ? "" : "; ") + barcodes + " with what was written " + format_utc(content.written);
  }
  return told;
}

// Emptied of what was taken it would be scratch at the engine's first steps, before anybody could look at the
// content that was not.
void CatalogueLoader::hold(PhysicalVolume& cartridge, const std::string& volser) {
  cartridge.unexamined = true;
  if (!cartridge.note.starts_with(kDamageNote))
    cartridge.note = cut_note("holds another content of " + volser + " than the one that is taken");
}

CartridgeState CatalogueLoader::final_state(const Entry& entry, const PhysicalVolume& now) {
  const bool holds_content = now.active_volumes > 0 || now.unexamined;
  if (!entry.read)
    return entry.wanted == CartridgeState::kClosed && now.active_volumes == 0 ? CartridgeState::kDamaged
                                                                              : entry.wanted;
  if (entry.before && holds_nothing(*entry.before))
    return holds_content ? CartridgeState::kClosed : *entry.before;
  // One without content of now is given back, by the rules of its pool: not one with files that nobody could
  // read.
  if (entry.before == CartridgeState::kDamaged || (entry.damaged_files && !holds_content))
    return CartridgeState::kDamaged;
  if (entry.filled || entry.before == CartridgeState::kFull) return CartridgeState::kFull;
  if (entry.before == CartridgeState::kClosed || entry.damaged_files) return CartridgeState::kClosed;
  // One that holds a backup alone is kept like one with content.
  const bool kept = holds_content || entry.backup_at_end;
  return kept && !now.unexamined ? CartridgeState::kFilling : CartridgeState::kClosed;
}

Status CatalogueLoader::finish_cartridges() {
  for (std::size_t at = 0; at < entries_.size(); at += kRowsOfChange) {
    TRY(catalogue_.change([&](CatalogueChange& change) -> Status {
      const auto end = std::min(at + kRowsOfChange, entries_.size());
      for (std::size_t i = at; i < end; ++i) {
        auto now = TRY(change.cartridge(entries_[i].volume.barcode));
        if (entries_[i].read && !entries_[i].not_taken.empty()) hold(now, entries_[i].not_taken);
        now.state = final_state(entries_[i], now);
        if (now.state == CartridgeState::kFilling && !entries_[i].before)
          report_.find(FindingKind::kTakesMore, now.barcode,
                       "pool " + std::to_string(now.pool) + ", " + std::string(to_string(now.encryption)));
        if (now.state == CartridgeState::kFull && !now.full_since)
          now.full_since = now.last_written.value_or(input_.now);
        TRY(change.put(now));
      }
      return {};
    }));
  }
  return {};
}

}  // namespace tapewarden::engine
