// What the tables of the key server must have in common.
#include "apps/keyd_parts.h"

#include <gtest/gtest.h>

namespace tapewarden::apps {
namespace {

// PRAGMA integrity_check of SQLite 3.40 calls a sound table without rowid damaged (a NULL in every column
// that stands before its keys) when its last column is a key, and such a keystore is not opened any more.
TEST(KeydTables, K16_NoTableEndsWithAKeyColumn) {
  for (const auto* table : keyd_tables()) {
    EXPECT_NE(table->columns.back().role, store::ColumnRole::kKey) << table->name;
  }
}

}  // namespace
}  // namespace tapewarden::apps
