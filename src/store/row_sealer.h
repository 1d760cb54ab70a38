// KeySealing over one SQLite file.
#pragma once

#include "store/key_sealing.h"
#include "store/layout.h"
#include "store/reader_pool.h"

namespace tapewarden::store {

class RowSealer final : public KeySealing {
 public:
  // Borrowed; they outlive it.
  RowSealer(ReaderPool& readers, const Layouts& layouts, KeyRing& ring)
      : readers_(readers), layouts_(layouts), ring_(ring) {}

  Result<KeyVersion> version() override;
  Result<std::optional<KeyVersionRow>> record() override;
  void add(const VersionedKey& key) override { ring_.add(key); }
  Status begin(Transaction& transaction, KeyVersion version, const std::string& started_by,
               WallTime now) override;
  Result<OldRows> next_old(ResealCursor& cursor) override;
  Result<ResealReport> reseal(Transaction& transaction, const OldRows& rows) override;
  Result<SealCensus> census() override;
  Status end(Transaction& transaction, WallTime now) override;
  void forget_before(KeyVersion version) override { ring_.remove_before(version); }

 private:
  ReaderPool& readers_;
  const Layouts& layouts_;
  KeyRing& ring_;
};

}  // namespace tapewarden::store
