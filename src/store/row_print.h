// What a row says, in 32 bytes: how two keystores with different master keys compare their rows without
// sending them (Keystore::prints()). Values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "crypto/hash.h"
#include "store/row_codec.h"
#include "store/schema.h"

namespace tapewarden::store {

class RowAccess;

struct RowPrint {
  Row key;
  std::int64_t version = 0;
  Uuid origin;
  bool erased = false;
  std::uint64_t commit = 0;  // of this keystore, which wrote the row here; not part of the digest
  // SHA-256 over salt, table, key, plain columns, secrets in clear, version, origin and erased. Local columns
  // and how secrets are sealed do not enter, so two servers in step have the same.
  Hash256 digest{};
};

// The rows of one replicated table whose keys lie in (after, until], tombstones too.
struct PrintRequest {
  std::string table;
  std::optional<Row> after{};  // absent: from the first key
  std::optional<Row> until{};  // absent: to the last
  std::vector<Row> keys{};     // when there are any: these rows alone, wherever they lie
  std::size_t limit = 1000;    // rows
  Hash256 salt{};              // drawn for one comparison: digests cannot be collected beforehand
  bool digests = true;         // false: heads alone, which needs no secret
};

struct RowPrints {
  std::vector<RowPrint> rows;  // in the order of their keys
  bool cut = false;            // there are more in the range
};

// REQUIRES: a read transaction is open. kInvalidArgument for a table that is not replicated or not there, or
// a key that is none of its keys; kCorrupt for a row that was changed outside of the program.
Result<RowPrints> print_rows(RowAccess& access, const PrintRequest& request);

}  // namespace tapewarden::store
