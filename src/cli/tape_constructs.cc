#include "cli/tape_constructs.h"

#include "tape/medium/host_attributes.h"

namespace tapewarden::cli {
namespace {

Status check_name(const std::optional<std::string>& name, const char* option) {
  if (!name || name->empty() || tape::is_construct_name(*name)) return {};
  return fail(ErrorCode::kInvalidArgument, "this is no name of a construct", option,
              "1 to 8 of A-Z, 0-9, $, @ and #; an empty one takes the name off");
}

std::optional<std::string> name_in(const tape::AttributeMap& attributes, tape::AttributeId id) {
  auto text = tape::attribute_text(attributes, id);
  if (text && !tape::is_construct_name(*text)) text.reset();
  return text;
}

// A name that is not there cannot be taken off: a drive refuses that.
Status set_name(tape::TapeDrive& drive, tape::AttributeId id, const std::optional<std::string>& name,
                const std::optional<std::string>& now) {
  if (!name || *name == now.value_or("")) return {};
  constexpr auto kFormat = static_cast<std::uint8_t>(tape::AttributeFormat::kAscii);
  if (const auto set = drive.set_attribute({id, false, kFormat, to_bytes(*name)}); !set)
    return std::unexpected(set.error().error());
  return {};
}

}  // namespace

Result<NamedConstructs> constructs_on(tape::TapeDrive& drive) {
  const auto found = drive.attributes();
  if (!found) return std::unexpected(found.error().error());
  tape::AttributeMap attributes;
  for (const auto& one : *found)
    attributes[one.id] = {static_cast<tape::AttributeFormat>(one.format), one.value};
  return NamedConstructs{.storage_group = name_in(attributes, tape::attribute::kStorageGroup),
                         .management_class = name_in(attributes, tape::attribute::kManagementClass)};
}

Status name_constructs(tape::TapeDrive& drive, const NamedConstructs& names) {
  TRY(check_name(names.storage_group, "--storage-group"));
  TRY(check_name(names.management_class, "--management-class"));
  const auto now = TRY(constructs_on(drive));
  TRY(set_name(drive, tape::attribute::kStorageGroup, names.storage_group, now.storage_group));
  return set_name(drive, tape::attribute::kManagementClass, names.management_class, now.management_class);
}

}  // namespace tapewarden::cli
