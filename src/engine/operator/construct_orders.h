// What an operator does with storage groups and management classes (feature row T2): they name the pools of
// primary and secondary copies. Functions are thread-safe as the parts that they work on.
#pragma once

#include <optional>
#include <string>

#include "engine/operator/parts.h"

namespace tapewarden::engine {

// What is not given stays as it is; of a new one it is the default's.
struct ConstructChange {
  std::optional<std::uint8_t> pool = {};
  std::optional<std::string> description = {};
  ClearLeave leave = ClearLeave::kNo;
};

// A storage group's pool counts for a volume when a host next unmounts it.
inline constexpr std::string_view kConstructsTakeEffect =
    "it counts for a volume when a host next unmounts it; what is due until then goes where it was due";

// kAlreadyExists, kExhausted; kInvalidArgument naming the field.
Result<StorageGroup> add_storage_group(const OperatorParts& parts, const std::string& name,
                                       const ConstructChange& settings);
Result<ManagementClass> add_management_class(const OperatorParts& parts, const std::string& name,
                                             const ConstructChange& settings);
// kNotFound; kConflict when its pool encrypts and the new one is written in clear, without leave.
Result<StorageGroup> modify_storage_group(const OperatorParts& parts, const std::string& name,
                                          const ConstructChange& settings);
Result<ManagementClass> modify_management_class(const OperatorParts& parts, const std::string& name,
                                                const ConstructChange& settings);
// kNotFound; kConflict for the default and for one that volumes have.
Status remove_storage_group(const OperatorParts& parts, const std::string& name);
Status remove_management_class(const OperatorParts& parts, const std::string& name);

}  // namespace tapewarden::engine
