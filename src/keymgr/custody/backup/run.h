// One run at one target: decides between base and increment, writes the file, takes old ones away, and says
// what the keystore is to note. One thread.
#pragma once

#include "keymgr/custody/backup/audit_series.h"
#include "keymgr/custody/backup/service.h"

namespace tapewarden::keymgr::backup {

class Run {
 public:
  Run(KeyManager& manager, const ServiceOptions& options, const Target& target)
      : manager_(manager), context_(manager.context()), options_(options), target_(target) {}

  Result<RunReport> run(bool new_base);

 private:
  struct Plan {
    bool base = true;
    std::int64_t base_number = 1;
    std::int64_t increment = 0;
    std::uint64_t from = 0;
    Hash256 predecessor{};
    std::uint64_t epoch = 0;
    std::vector<KnownFile> files;
  };
  Result<Plan> plan(bool new_base);
  Result<std::int64_t> next_base(FileKind kind, std::int64_t last) const;
  Result<bool> chain_is_there(const std::vector<KnownFile>& chain);
  Result<bool> left_unnoted(const KnownFile& last, std::uint64_t epoch) const;
  Result<bool> is_of_epoch(const KnownFile& file, std::uint64_t epoch);
  Status clean_up();
  Result<crypto::SecretBytes> passphrase_key();
  Result<Seal> seal(const crypto::SecretBytes& file_key);
  FileHeader header(const Plan& plan, const store::CommitMark& mark, Seal seal) const;
  Result<RunReport> write(const Plan& plan);
  Status note_file(KnownFile known, const WrittenFile& file, const FileHeader& header,
                   const crypto::SecretBytes& file_key);
  Result<std::uint64_t> epoch() const;
  Result<std::size_t> retain();
  Result<std::size_t> remove_unnoted(std::int64_t oldest_kept);
  // The audit record's own series (audit_series.h); with a base, once a day, or when many lines wait.
  Status back_up_audit(bool base);
  Status forget(const std::vector<KnownFile>& files);
  Status write_audit(const KnownFile* last, const AuditPlace& from, const AuditPlace& to);

  KeyManager& manager_;
  const ServerContext& context_;
  const ServiceOptions& options_;
  const Target& target_;
};

// Files of the newest base and its increments.
std::vector<KnownFile> newest_chain(const std::vector<KnownFile>& files);

}  // namespace tapewarden::keymgr::backup
