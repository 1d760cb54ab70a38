#include "dkx/fields.h"

#include "base/text.h"
#include "dkx/tags.h"

namespace tapewarden::dkx {

Result<std::string> read_printable(ttlv::Cursor& in, ttlv::Tag tag, std::size_t low, std::size_t high) {
  const auto text = TRY(in.text(tag, high));
  if (text.size() < low || !is_printable(text)) {
    return fail(ErrorCode::kInvalidArgument,
                "the text must have " + std::to_string(low) + " to " + std::to_string(high) +
                    " printable ASCII characters",
                ttlv::tag_text(tag, tag_name));
  }
  return std::string(text);
}

Result<std::optional<std::string>> read_optional_printable(ttlv::Cursor& in, ttlv::Tag tag,
                                                           std::size_t limit) {
  if (!in.next_is(tag)) return std::nullopt;
  return TRY(read_printable(in, tag, 1, limit));
}

std::string printable(std::string_view text, std::size_t limit) {
  std::string out = is_printable(text) ? std::string(text) : escape_unprintable(text);
  if (out.size() > limit) out.resize(limit);
  return out;
}

Result<Bytes> read_filled_bytes(ttlv::Cursor& in, ttlv::Tag tag, std::size_t limit) {
  const auto view = TRY(in.bytes(tag, limit));
  if (view.empty()) {
    return fail(ErrorCode::kInvalidArgument, "the value is empty", ttlv::tag_text(tag, tag_name));
  }
  return to_bytes(view);
}

void write_version(ttlv::Writer& out, ttlv::Tag tag, Version version) {
  out.add_integer(tag, version.major << 16 | version.minor);
}

Result<Version> read_version(ttlv::Cursor& in, ttlv::Tag tag) {
  const auto number = static_cast<std::uint32_t>(TRY(in.integer(tag, 1 << 16, INT32_MAX)));
  return Version{static_cast<std::uint16_t>(number >> 16), static_cast<std::uint16_t>(number & 0xFFFF)};
}

void write_next_nonce(ttlv::Writer& out, const std::optional<Nonce>& nonce) {
  if (nonce) out.add_bytes(kTagNextNonce, *nonce);
}

Result<std::optional<Nonce>> read_next_nonce(ttlv::Cursor& in) {
  if (!in.next_is(kTagNextNonce)) return std::nullopt;
  return TRY(in.array<32>(kTagNextNonce));
}

}  // namespace tapewarden::dkx
