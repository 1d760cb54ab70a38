// The constructs that a host names in band (feature row T2): two attributes of the cartridge memory, of the
// range that SPC-5 leaves to hosts' vendors (1400h to 17FFh). Pure, but for reading the file.
#pragma once

#include <string>

#include "base/env.h"
#include "tape/medium/host_attributes.h"

namespace tapewarden::engine {

inline constexpr tape::AttributeId kStorageGroupAttribute = tape::attribute::kStorageGroup;
inline constexpr tape::AttributeId kManagementClassAttribute = tape::attribute::kManagementClass;

// As the host wrote them, without the blanks and zeros behind; empty: none. Not checked.
struct NamedConstructs {
  std::string storage_group;
  std::string management_class;
  friend bool operator==(const NamedConstructs&, const NamedConstructs&) = default;
};

NamedConstructs named_constructs(const tape::AttributeMap& attributes);
// Of a cartridge file that nobody writes to. Errors of the medium and the disk.
Result<NamedConstructs> read_named_constructs(Disk& disk, const std::string& path);

}  // namespace tapewarden::engine
