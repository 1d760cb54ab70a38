#include "tape/medium/host_attributes.h"

#include <algorithm>

#include "base/text.h"
#include "tape/medium/header_areas.h"

namespace tapewarden::tape {
namespace {

constexpr AttributeId kFirstHost = 0x0800;
constexpr AttributeId kLastHost = 0x0bff;
constexpr AttributeId kFirstVendorHost = 0x1400;
constexpr AttributeId kLastVendorHost = 0x17ff;

bool of_construct_name(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '$' || c == '@' || c == '#';
}

}  // namespace

bool is_construct_name(std::string_view text) {
  return !text.empty() && text.size() <= kConstructNameBytes && std::ranges::all_of(text, of_construct_name);
}

bool is_host_attribute(AttributeId id) {
  return (id >= kFirstHost && id <= kLastHost) || (id >= kFirstVendorHost && id <= kLastVendorHost);
}

Result<AttributeMap> host_attributes(Disk& disk, const std::string& path) {
  const auto file = TRY(disk.open(path, OpenMode::kRead));
  (void)TRY(SuperblockPair::load(*file));  // it is a cartridge
  const auto memory = TRY(MemoryArea::load(*file));
  if (std::ranges::find(memory.slots(), SlotHealth::kGood) == memory.slots().end())
    return fail(ErrorCode::kCorrupt, "the cartridge memory cannot be read", "cartridge memory");
  auto attributes = memory.attributes();
  std::erase_if(attributes, [](const auto& entry) { return !is_host_attribute(entry.first); });
  return attributes;
}

std::optional<std::string> attribute_text(const AttributeMap& attributes, AttributeId id, std::size_t most) {
  const auto found = attributes.find(id);
  if (found == attributes.end() || found->second.format == AttributeFormat::kBinary) return std::nullopt;
  std::string text(as_text(found->second.value));
  while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.pop_back();
  if (text.empty() || text.size() > most || !is_printable(text)) return std::nullopt;
  return text;
}

}  // namespace tapewarden::tape
