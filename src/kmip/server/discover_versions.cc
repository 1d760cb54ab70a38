// Discover Versions (Specification 1.4 section 4.26, 2.1 section 6.1.16).
#include <algorithm>

#include "kmip/server/operations.h"
#include "kmip/tags.h"
#include "ttlv/cursor.h"

namespace tapewarden::kmip {

Status discover_versions(OperationContext&, const ttlv::Item& payload, ttlv::Writer& out) {
  std::vector<ProtocolVersion> asked;
  for (const ttlv::Item item : payload.children()) {
    auto in = TRY(ttlv::Cursor::over(item, tag::kProtocolVersion));
    ProtocolVersion version;
    version.major = TRY(in.integer(tag::kProtocolVersionMajor));
    version.minor = TRY(in.integer(tag::kProtocolVersionMinor));
    asked.push_back(version);
  }
  const auto write = [&](const ProtocolVersion& version) {
    out.begin(tag::kProtocolVersion);
    out.add_integer(tag::kProtocolVersionMajor, version.major);
    out.add_integer(tag::kProtocolVersionMinor, version.minor);
    out.end();
  };
  // In the client's order of preference when it gave one.
  for (const auto& version : asked) {
    if (std::ranges::find(kVersions, version) != std::end(kVersions)) write(version);
  }
  if (asked.empty()) std::ranges::for_each(kVersions, write);
  return {};
}

}  // namespace tapewarden::kmip
