// Which attributes there are, in which versions, and who may set them (Specification 1.0 to 1.4 section
// 3, 2.0 and 2.1 section 4: the table "Attribute rules" of each). Constants; thread-safe.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "kmip/protocol.h"
#include "ttlv/item.h"

namespace tapewarden::kmip {

// Who may do what with an attribute, beside the server.
enum class ClientMay : std::uint8_t {
  kRead,    // the server alone sets it
  kCreate,  // give it when the object is made, and not change it
  kModify,  // and change it, but not delete it
  kDelete,  // and delete it
};

struct AttributeKind {
  ttlv::Tag tag{};
  std::string_view name;  // as KMIP 1.x names it: "Cryptographic Algorithm"
  ttlv::Type type = ttlv::Type::kStructure;
  ProtocolVersion since = kOldest;
  ProtocolVersion until = kNewest;  // the last version that has it
  bool many = false;                // several values, told apart by an index in 1.x
  ClientMay client = ClientMay::kRead;

  bool known_to(const ProtocolVersion& version) const { return since <= version && version <= until; }
};

// All but vendor (custom) attributes, in the order in which they are listed.
std::span<const AttributeKind> attribute_kinds();
// nullptr: no attribute has that tag or name.
const AttributeKind* attribute_kind(ttlv::Tag tag);
const AttributeKind* attribute_kind(std::string_view name);

}  // namespace tapewarden::kmip
