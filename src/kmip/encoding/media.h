// The three encodings of a whole message by the names that HTTP has for them (KMIP Additional Message
// Encodings 1.0 section 2; KMIP Profiles 1.4 section 5.3 to 5.5, 2.1 section 5.3 to 5.5: HTTPS, JSON and XML
// profiles). Pure; thread-safe.
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "ttlv/item.h"

namespace tapewarden::kmip::encoding {

enum class Media { kTtlv, kXml, kJson };

// Of a Content-Type, in any case and with any parameters: application/octet-stream, text/xml or
// application/xml, application/json.
std::optional<Media> media_of(std::string_view content_type);
// What an answer says.
std::string_view content_type(Media media);

// The message in TTLV. kInvalidArgument naming the tag or element; kExhausted beyond the limits. TTLV is
// given back as it is, unread.
Result<Bytes> to_ttlv(Media media, ByteView message, const ttlv::Limits& limits = {});
// The other way. kCorrupt: it is no TTLV.
Result<Bytes> from_ttlv(Media media, ByteView message);

}  // namespace tapewarden::kmip::encoding
