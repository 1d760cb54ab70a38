// A library as the suite sees it: two hosts' sessions, its units and elements. It runs rows, each from the
// same state: every cartridge in its own slot but the first, which lies in the first drive, rewound; block
// length 512; nothing prevented or reserved, no unit attention waiting. One thread.
#pragma once

#include <map>

#include "scsi/changer_cdb.h"
#include "step.h"

namespace tapewarden::suite {

class Library {
 public:
  // kUnavailable, or kCorrupt when there is not one changer with two drives.
  static Result<std::unique_ptr<Library>> open(const testing::LibraryTarget& target);

  // What was wrong, beginning with the number and the words of the step; empty: the row holds.
  std::string run(const Row& row);

 private:
  explicit Library(const testing::LibraryTarget& target) : target_(target) {}
  Status connect();
  Status find_units();
  Status find_elements();
  unsigned lun(Unit unit) const;
  Status must(unsigned lun, const Bytes& cdb, const Bytes& out = {});
  // Where each cartridge is, by its volume tag.
  Result<std::map<std::string, std::uint16_t>> inventory();
  Status bring_home();
  Result<std::optional<scsi::MoveMedium>> next_move();
  std::optional<scsi::MoveMedium> move_of(std::uint16_t from, std::uint16_t to) const;
  Status prepare();
  Result<std::string> take(const Step& step);

  const testing::LibraryTarget& target_;
  std::unique_ptr<Host> host_;
  std::unique_ptr<Host> other_host_;
  std::map<Unit, unsigned> luns_;
  Places places_;
  std::map<std::string, std::uint16_t> home_;
};

}  // namespace tapewarden::suite
