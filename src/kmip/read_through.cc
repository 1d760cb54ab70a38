#include "kmip/read_through.h"

#include <algorithm>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {

std::string SoughtObject::key() const {
  ByteWriter out;
  out.bytes32(as_bytes(id));
  for (const auto& attribute : wanted) out.bytes32(as_bytes(attribute.id.text())).bytes32(attribute.item);
  return to_hex(crypto::sha256(out.view()));
}

bool tells_objects_apart(const AttributeId& id) {
  static constexpr ttlv::Tag kTags[] = {tag::kName, tag::kAlternativeName,
                                        tag::kApplicationSpecificInformation, tag::kUniqueIdentifier,
                                        tag::kDigest};
  return id.is_vendor() || std::ranges::find(kTags, id.tag) != std::end(kTags);
}

std::string_view to_string(OldServerCondition condition) {
  switch (condition) {
    case OldServerCondition::kUntried:
      return "untried";
    case OldServerCondition::kAnswering:
      return "answering";
    case OldServerCondition::kFailing:
      return "failing";
  }
  return "unknown";
}

}  // namespace tapewarden::kmip
