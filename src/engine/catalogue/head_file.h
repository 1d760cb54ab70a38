// The record of commits beside the catalogue's database: the newest marks in a small ring, each synced. It
// keeps no records of its own, so that a busy engine does not fill the audit with changes that nobody reads;
// what it proves is that the database is not an old copy (docs/formats/catalogue.md).
//
// Invariants
//  H1 A mark that append() took is on stable storage. A mark that was cut off is not taken for one: the one
//     before it, in another place of the ring, is whole.
//  H2 After a failed write or sync nothing more is appended.
//
// Belongs to the keystore's writer thread; Catalogue opens it before and destroys it after the keystore.
#pragma once

#include <memory>
#include <string>

#include "base/env.h"
#include "store/commit_log.h"

namespace tapewarden::engine {

class HeadFile final : public store::CommitLog {
 public:
  // Makes the file when it is missing. kCorrupt: it is no such file, or was cut short.
  static Result<std::unique_ptr<HeadFile>> open(Disk& disk, const std::string& path);

  Status ready() const override;
  Status append(const store::CommitMark& mark, std::span<const std::string> records) override;
  std::optional<store::CommitMark> last_mark() const override;
  Hash256 chain_hash() const override { return newest_.chain; }

  struct Entry {
    std::uint64_t number = 0;  // of the append; 0: there was none
    store::CommitMark mark;
    Hash256 chain{};
  };

 private:
  HeadFile(std::unique_ptr<File> file, Entry newest) : file_(std::move(file)), newest_(newest) {}

  std::unique_ptr<File> file_;
  Entry newest_;
  bool stopped_ = false;
};

}  // namespace tapewarden::engine
