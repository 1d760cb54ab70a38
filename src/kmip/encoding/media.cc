#include "kmip/encoding/media.h"

#include <algorithm>
#include <string>

#include "kmip/encoding/json.h"
#include "kmip/encoding/xml.h"

namespace tapewarden::kmip::encoding {
namespace {

constexpr std::string_view kBlanks = " \t";

std::string media_type(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  const auto first = content_type.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  std::string out(content_type.substr(first, content_type.find_last_not_of(kBlanks) + 1 - first));
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; });
  return out;
}

}  // namespace

std::optional<Media> media_of(std::string_view content_type) {
  const auto type = media_type(content_type);
  if (type == "application/octet-stream") return Media::kTtlv;
  if (type == "text/xml" || type == "application/xml") return Media::kXml;
  if (type == "application/json") return Media::kJson;
  return std::nullopt;
}

std::string_view content_type(Media media) {
  switch (media) {
    case Media::kXml:
      return "text/xml";
    case Media::kJson:
      return "application/json";
    case Media::kTtlv:
      break;
  }
  return "application/octet-stream";
}

Result<Bytes> to_ttlv(Media media, ByteView message, const ttlv::Limits& limits) {
  if (media == Media::kTtlv) return to_bytes(message);
  return media == Media::kXml ? from_xml(as_text(message), limits) : from_json(as_text(message), limits);
}

Result<Bytes> from_ttlv(Media media, ByteView message) {
  if (media == Media::kTtlv) return to_bytes(message);
  // Our own answer: as large as it is.
  ttlv::Limits limits;
  limits.bytes = message.size();
  limits.items = message.size() / ttlv::kHeaderBytes;
  const auto document = TRY(ttlv::decode(message, limits));
  return to_bytes(media == Media::kXml ? to_xml(document.root()) : to_json(document.root()));
}

}  // namespace tapewarden::kmip::encoding
