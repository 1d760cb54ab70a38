// Constructs that images name. The rest is in catalogue_loader.cc.
#include <algorithm>

#include "engine/catalogue/limits.h"
#include "engine/rebuild/catalogue_loader.h"

namespace tapewarden::engine {

// It lies on a cartridge that is encrypted.
bool CatalogueLoader::is_encrypted(const std::optional<Copy>& copy) const {
  if (!copy) return false;
  const auto encryption = entries_.at(entry_of_.at(copy->cartridge)).volume.encryption;
  return encryption == MediumEncryption::kWrapped || encryption == MediumEncryption::kIdentified;
}

// What images name and the backup does not know is made, as long as there is room for it.
void CatalogueLoader::settle_group(LogicalVolume& volume) {
  const bool encrypted = is_encrypted(volume.primary);
  if (groups_.contains(volume.storage_group)) {
    // A group may have been another pool's once, in clear: what it encrypts it is not to write there anew.
    const auto made = new_names_.find(volume.storage_group);
    if (made == new_names_.end() || made->second || !encrypted) return;
    made->second = true;
    auto& group = groups_.at(volume.storage_group);
    if (group.pool == volume.primary_pool) return;
    group.pool = volume.primary_pool;
    report_.find(FindingKind::kNewConstruct, group.name,
                 "storage group, pool " + std::to_string(group.pool) + ", where its volumes are encrypted");
    new_groups_.push_back(group);
    return;
  }
  StorageGroup group{volume.storage_group, std::max<std::uint8_t>(volume.primary_pool, 1), {}};
  if (groups_.size() >= kMaximumConstructs || !check(group)) {
    volume.storage_group = kDefaultConstruct;
    return;
  }
  report_.find(FindingKind::kNewConstruct, group.name, "storage group, pool " + std::to_string(group.pool));
  new_names_.emplace(group.name, encrypted);
  new_groups_.push_back(group);
  groups_.emplace(group.name, group);
}

// A class without a second copy writes none, so that no volume of it comes into clear.
void CatalogueLoader::settle_class(LogicalVolume& volume) {
  if (classes_.contains(volume.management_class)) return;
  ManagementClass management{volume.management_class, volume.secondary_pool, {}};
  if (classes_.size() >= kMaximumConstructs || !check(management)) {
    volume.management_class = kDefaultConstruct;
    return;
  }
  report_.find(FindingKind::kNewConstruct, management.name,
               "management class, pool " + std::to_string(management.pool));
  new_classes_.push_back(management);
  classes_.emplace(management.name, management);
}

void CatalogueLoader::settle_constructs(LogicalVolume& volume) {
  settle_group(volume);
  settle_class(volume);
}

}  // namespace tapewarden::engine
