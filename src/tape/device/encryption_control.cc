#include "tape/device/encryption_control.h"

#include <algorithm>
#include <utility>

#include "tape/device/limits.h"

namespace tapewarden::tape {
namespace {

using scsi::invalid_in_parameters;
namespace at = scsi::set_data_encryption;

constexpr std::uint8_t kAlgorithmIndex = 1;

scsi::Outcome<void> check_kads(const scsi::SetDataEncryption& page) {
  std::size_t offset = at::kKeyByte + page.key.size();
  for (const auto& kad : page.kads) {
    switch (kad.kind) {
      case scsi::KadKind::kUnauthenticated:
        if (kad.value.size() > kMaxUnauthenticatedKad) return invalid_in_parameters(offset + 2);
        break;
      case scsi::KadKind::kAuthenticated:
        if (kad.value.size() > kMaxAuthenticatedKad) return invalid_in_parameters(offset + 2);
        break;
      default:
        return invalid_in_parameters(offset);
    }
    offset += 4 + kad.value.size();
  }
  return {};
}

Bytes kad_value(const scsi::KadList& kads, scsi::KadKind kind) {
  const auto* kad = scsi::find_kad(kads, kind);
  return kad != nullptr ? kad->value : Bytes{};
}

EncryptionParameters parameters_of(const scsi::SetDataEncryption& page, DataKeyHandle key,
                                   std::uint32_t instance, std::optional<std::uint64_t> hold) {
  return {.scope = page.scope,
          .encryption = page.encryption,
          .decryption = page.decryption,
          .check = page.check,
          .raw = page.raw,
          .kad_format = page.kad_format,
          .clear_on_demount = page.clear_on_demount,
          .clear_on_preempt = page.clear_on_reservation_preempt,
          .clear_on_reservation_loss = page.clear_on_reservation_loss,
          .hold = hold.value_or(0),
          .held = hold.has_value(),
          .key_instance = instance,
          .key = std::move(key),
          .akad = kad_value(page.kads, scsi::KadKind::kAuthenticated),
          .ukad = kad_value(page.kads, scsi::KadKind::kUnauthenticated)};
}

}  // namespace

scsi::Outcome<void> EncryptionControl::check_offered(const scsi::SetDataEncryption& page,
                                                     const KeyTies& ties) {
  // SSC-4: with scope PUBLIC nothing else in the page counts.
  if (page.scope == scsi::KeyScope::kPublic) return {};
  if (page.supplemental) return invalid_in_parameters(at::kFlagsByte, 3);
  if (page.clear_on_demount && !ties.mounted) return invalid_in_parameters(at::kFlagsByte, 2);
  if (page.clear_on_reservation_preempt && !ties.persistently_reserved)
    return invalid_in_parameters(at::kFlagsByte, 1);
  if (page.clear_on_reservation_loss && !ties.reserved) return invalid_in_parameters(at::kFlagsByte, 0);
  // What another system sealed has no place in the chain of tags of a cartridge.
  if (page.encryption == scsi::EncryptionMode::kExternal)
    return invalid_in_parameters(at::kEncryptionModeByte);
  if (!page.needs_key()) return {};
  if (page.algorithm_index != kAlgorithmIndex) return invalid_in_parameters(at::kAlgorithmByte);
  if (page.key_format != scsi::KeyFormat::kPlain && page.key_format != scsi::KeyFormat::kWrapped)
    return invalid_in_parameters(at::kKeyFormatByte);
  return check_kads(page);
}

std::vector<scsi::NexusId> EncryptionControl::set(scsi::NexusId nexus, const scsi::SetDataEncryption& page,
                                                  DataKeyHandle key, std::optional<std::uint64_t> hold) {
  auto& own = nexuses_[nexus];
  std::vector<scsi::NexusId> told;
  const bool had_all = own.scope == scsi::KeyScope::kAllNexuses;
  if (page.scope == scsi::KeyScope::kAllNexuses || had_all) told = public_nexuses_except(nexus);
  ++counter_;
  switch (page.scope) {
    case scsi::KeyScope::kAllNexuses:
      for (auto& [id, other] : nexuses_) {
        if (id == nexus || other.scope != scsi::KeyScope::kAllNexuses) continue;
        other.scope = scsi::KeyScope::kPublic;
        told.push_back(id);
      }
      own.local = {};
      shared_ = parameters_of(page, std::move(key), counter_, hold);
      break;
    case scsi::KeyScope::kLocal:
      own.local = parameters_of(page, std::move(key), counter_, hold);
      break;
    case scsi::KeyScope::kPublic:
      own.local = {};
      break;
  }
  own.scope = page.scope;
  if (had_all && page.scope != scsi::KeyScope::kAllNexuses) {
    shared_ = {};
    shared_.key_instance = counter_;
  }
  own.locked = page.lock;
  own.locked_instance = effective(nexus).key_instance;
  return told;
}

const EncryptionParameters& EncryptionControl::effective(scsi::NexusId nexus) const {
  const auto found = nexuses_.find(nexus);
  if (found != nexuses_.end() && found->second.scope == scsi::KeyScope::kLocal) return found->second.local;
  return shared_;
}

scsi::KeyScope EncryptionControl::nexus_scope(scsi::NexusId nexus) const {
  const auto found = nexuses_.find(nexus);
  return found == nexuses_.end() ? scsi::KeyScope::kPublic : found->second.scope;
}

bool EncryptionControl::lock_broken(scsi::NexusId nexus) const {
  const auto found = nexuses_.find(nexus);
  return found != nexuses_.end() && found->second.locked &&
         effective(nexus).key_instance != found->second.locked_instance;
}

bool EncryptionControl::has(const DataKeyHandle& key) const {
  return shared_.key == key ||
         std::ranges::any_of(nexuses_, [&](const auto& item) { return item.second.local.key == key; });
}

std::vector<scsi::NexusId> EncryptionControl::drop_shared(scsi::NexusId cause) {
  auto told = public_nexuses_except(cause);
  for (auto& [id, nexus] : nexuses_) {
    if (nexus.scope != scsi::KeyScope::kAllNexuses) continue;
    nexus.scope = scsi::KeyScope::kPublic;
    if (id != cause) told.push_back(id);
  }
  shared_ = {};
  shared_.key_instance = ++counter_;
  return told;
}

std::vector<scsi::NexusId> EncryptionControl::follow(const Reservations& now, bool preempted,
                                                     scsi::NexusId cause) {
  const bool freed = std::exchange(reserved_, now.reserved()) && !reserved_;
  const auto goes = [&](EncryptionParameters& set) {
    const bool was_held = set.held;
    set.held = set.hold != 0 && now.is_held(set.hold);
    if (freed && set.clear_on_reservation_loss) return true;
    return was_held && !set.held && (preempted ? set.clear_on_preempt : set.clear_on_reservation_loss);
  };
  std::vector<scsi::NexusId> told;
  if (goes(shared_)) told = drop_shared(cause);
  for (auto& [id, nexus] : nexuses_) {
    if (nexus.scope != scsi::KeyScope::kLocal || !goes(nexus.local)) continue;
    nexus.scope = scsi::KeyScope::kPublic;
    nexus.local = {};
    ++counter_;
    if (id != cause) told.push_back(id);
  }
  return told;
}

void EncryptionControl::demount() {
  const auto drop = [this](EncryptionParameters& set) {
    if (!set.clear_on_demount) return false;
    set = {};
    set.key_instance = ++counter_;
    return true;
  };
  if (drop(shared_)) {
    for (auto& [id, nexus] : nexuses_)
      if (nexus.scope == scsi::KeyScope::kAllNexuses) nexus.scope = scsi::KeyScope::kPublic;
  }
  for (auto& [id, nexus] : nexuses_)
    if (nexus.scope == scsi::KeyScope::kLocal && drop(nexus.local)) nexus.scope = scsi::KeyScope::kPublic;
}

void EncryptionControl::reset() {
  shared_ = {};
  for (auto& [id, nexus] : nexuses_) nexus = {};
  counter_ = 0;
}

bool EncryptionControl::nexus_lost(scsi::NexusId nexus) {
  const auto found = nexuses_.find(nexus);
  const bool had_key = found != nexuses_.end() && found->second.local.key;
  nexuses_.erase(nexus);
  return had_key;
}

std::vector<scsi::NexusId> EncryptionControl::public_nexuses_except(scsi::NexusId nexus) const {
  std::vector<scsi::NexusId> others;
  for (const auto& [id, other] : nexuses_)
    if (id != nexus && other.scope == scsi::KeyScope::kPublic) others.push_back(id);
  return others;
}

}  // namespace tapewarden::tape
