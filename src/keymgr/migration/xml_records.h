// XML files of an old key manager, read record by record: such files have often lost their end, and some
// never had one root. Each record is parsed by itself, so that a bad one spoils no other. Names compare
// without case, since the manuals' own examples mix it. Pure; thread-safe.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tapewarden::keymgr {

inline constexpr std::size_t kMaximumXmlRecords = 200'000;
inline constexpr std::size_t kMaximumXmlRecordBytes = 64U << 10;

struct XmlRecord {
  std::size_t line = 0;                       // of its start tag, from 1
  std::map<std::string, std::string> fields;  // lower-case element names and their text, trimmed
  std::string fault;                          // why it could not be read; empty: it could
};

// Every element of that name, in the file's order, with its children that hold text. A file without any gives
// an empty list. kExhausted beyond kMaximumXmlRecords.
Result<std::vector<XmlRecord>> read_xml_records(std::string_view text, std::string_view name);

}  // namespace tapewarden::keymgr
