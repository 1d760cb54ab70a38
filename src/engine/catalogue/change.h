// Changes of the catalogue within one transaction: what they put becomes durable together or not at all, and
// the invariants of catalogue.h hold after each call. Sees its own changes. Lives only inside the function
// that it is given to, which may be run again from its start; one thread.
#pragma once

#include "engine/catalogue/view.h"

namespace tapewarden::engine {

inline constexpr std::size_t kCacheKeySize = 32;

class CatalogueChange final : public CatalogueView {
 public:
  CatalogueChange(store::Transaction& transaction, WallTime now)
      : CatalogueView(transaction), transaction_(transaction), now_(now) {}

  WallTime now() const { return now_; }

  // Inserts or replaces. A copy that becomes active, or stops being so, moves the sums of its cartridge. A
  // new volume whose volser was withdrawn before goes on with the generation and the cache_file that it had
  // then.
  // kInvalidArgument naming the field. kConflict: a generation would go back, a copy is not on its cartridge,
  // content would be nowhere any more, or a private volume's would be deleted. A generation that grows is at
  // least that of begin_generations_at().
  Status put(const LogicalVolume& volume);
  // Takes a scratch volume that no drive holds off the catalogue. kNotFound, kConflict.
  Status withdraw_volume(std::string_view volser);
  // The key of its file in the cache; a key that it had is lost. kNotFound; kInvalidArgument unless it has
  // kCacheKeySize bytes.
  Status set_cache_key(std::string_view volser, const crypto::SecretBytes& key);
  // What the file holds cannot be read any more. kConflict while the volume counts as cached.
  Status forget_cache_key(std::string_view volser);

  // Inserts or replaces; active_bytes, active_volumes and last_inactivated stay what the catalogue knows.
  // kInvalidArgument naming the field. kConflict: with active data on it, it would be begun anew or be
  // scratch, or come into another pool.
  Status put(const PhysicalVolume& cartridge);
  // Takes a cartridge without active data off the catalogue. kNotFound, kConflict.
  Status withdraw_cartridge(std::string_view barcode);

  // kInvalidArgument naming the field. Whether labels are known to the key servers is the caller's to ask.
  Status put(const Pool& pool);
  Status put(const StorageGroup& group);          // also kExhausted
  Status put(const ManagementClass& management);  // also kExhausted
  // kNotFound; kConflict for the default and for one that volumes have.
  Status remove_storage_group(std::string_view name);
  Status remove_management_class(std::string_view name);

  // A new one; its number. kInvalidArgument; kConflict while another one empties or fills its source, or
  // empties its target.
  Result<std::uint64_t> begin_pool_migration(PoolMigration migration);
  // One that is there. kNotFound, kConflict when it has ended.
  Status put(const PoolMigration& migration);
  Status put(std::uint64_t migration, const MigratedSetting& setting);  // kNotFound

  // In the place of the interval in which it began: a record of ninety days before gives way.
  // kInvalidArgument when it is too long.
  Status put(const StatisticsRecord& record);

  // Which folder is the engine's cache from now on.
  Status set_cache_identity(const Uuid& cache);
  // From now on each generation that a volume gets is at least this one. Only grows. kInvalidArgument.
  Status begin_generations_at(std::uint64_t generation);

  // Somebody wants a backup of the catalogue, as of now or later.
  Status order_backup();
  // That order is carried out; a later one is not.
  Status end_backup_order(std::uint64_t order);
  // The engine tells at its next start that it works with a catalogue that was rebuilt; it was told.
  Status note_rebuilt();
  Status rebuilt_was_told();

  // Trailers on tape tell every deletion up to this number.
  Status drop_deleted(std::uint64_t through);

  // For a catalogue that is put together again (change_restore.cc).
  // A volume of which is known that it had content, and nowhere is it: Residence::kMissing. kInvalidArgument
  // when it is not so; kAlreadyExists.
  Status put_missing(const LogicalVolume& volume);
  // The volser was withdrawn at this generation: it goes on from there if it comes back. kInvalidArgument;
  // kAlreadyExists when there is such a volume.
  Status put_withdrawn(const std::string& volser, std::uint64_t generation);
  // A deletion that no trailer tells. kInvalidArgument.
  Status put_deletion(const std::string& volser, std::uint64_t generation);

 private:
  struct Before {
    std::optional<LogicalVolume> volume;
    CopyPools pools;
    Bytes box;
  };
  Result<Before> before(const std::string& volser);
  Status go_on_from_withdrawn(LogicalVolume& volume);
  Status check_constructs(const Before& before, const LogicalVolume& after);
  Status check_kept(const Before& before, const LogicalVolume& after);
  Result<bool> safe(const LogicalVolume& volume);
  Result<std::int64_t> move_copy(CopyNumber number, const Before& before, const LogicalVolume& after);
  Status end_copy(const Copy& copy);
  Result<std::int64_t> begin_copy(const Copy& copy);
  Status note_deletion(const std::string& volser, std::uint64_t generation);
  Result<std::uint64_t> beyond_what_may_be_unseen(std::uint64_t deleted);
  Status check_alone(const PoolMigration& migration);
  Status write(const std::optional<PhysicalVolume>& before, const PhysicalVolume& after);

  template <typename Total>
  Status count(const std::optional<Total>& before, const std::optional<Total>& after);
  template <typename Total>
  Status add_to_total(const typename Total::Key& key, const typename Total::Sums* less,
                      const typename Total::Sums* more);
  Status count_volume(const std::optional<LogicalVolume>& before, const std::optional<LogicalVolume>& after);
  Status count_cartridge(const std::optional<PhysicalVolume>& before,
                         const std::optional<PhysicalVolume>& after);

  store::Transaction& transaction_;
  WallTime now_;
};

}  // namespace tapewarden::engine
