#include "engine/host/named_constructs.h"

namespace tapewarden::engine {
namespace {

std::string text_of(const tape::AttributeMap& attributes, tape::AttributeId id) {
  const auto found = attributes.find(id);
  if (found == attributes.end()) return {};
  std::string text(as_text(found->second.value));
  text.resize(text.find_last_not_of(std::string_view(" \0", 2)) + 1);
  return text;
}

}  // namespace

NamedConstructs named_constructs(const tape::AttributeMap& attributes) {
  return {.storage_group = text_of(attributes, kStorageGroupAttribute),
          .management_class = text_of(attributes, kManagementClassAttribute)};
}

Result<NamedConstructs> read_named_constructs(Disk& disk, const std::string& path) {
  return named_constructs(TRY(tape::host_attributes(disk, path)));
}

}  // namespace tapewarden::engine
