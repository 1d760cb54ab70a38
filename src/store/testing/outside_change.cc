#include "store/testing/outside_change.h"

#include "store/sqlite/connection.h"

namespace tapewarden::store::testing {

Status change_outside(const std::string& path, const std::string& sql) {
  return TRY(sqlite::Connection::open(path, sqlite::Access::kReadWrite))->execute(sql);
}

}  // namespace tapewarden::store::testing
