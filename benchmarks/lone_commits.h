// The yardstick of everything that is made durable in groups: SQLite as most programs use it, one commit for
// each row, with the same settings that the keystore has. Not thread-safe.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "store/sqlite/connection.h"
#include "support.h"

namespace tapewarden::bench {

class LoneCommits {
 public:
  LoneCommits();
  // A loop of transactions of one row each, the next begun when the one before is on the disk.
  double a_second();

 private:
  Folder folder_;
  std::unique_ptr<store::sqlite::Connection> database_;
  Bytes row_;
};

}  // namespace tapewarden::bench
