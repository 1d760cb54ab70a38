#include "base/base64.h"

namespace tapewarden {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::unexpected<Error> not_base64(std::string_view field) {
  return fail(ErrorCode::kInvalidArgument, "this is not base64", std::string(field),
              "use the standard alphabet with padding and without line ends");
}

}  // namespace

std::string to_base64(ByteView bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (k < count ? bytes[i + k] : std::uint32_t{0});
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += k <= count ? kAlphabet[group >> (18 - 6 * k) & 63] : '=';
    }
  }
  return text;
}

Result<Bytes> from_base64(std::string_view text, std::string_view field) {
  if (text.size() % 4 != 0) return not_base64(field);
  Bytes bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    const std::size_t padding = !last                               ? 0
                                : text.substr(i, 4).ends_with("==") ? 2
                                : text.back() == '='                ? 1
                                                                    : 0;
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const std::size_t digit = k >= 4 - padding ? 0 : kAlphabet.find(text[i + k]);
      if (digit == std::string_view::npos) return not_base64(field);
      group = group << 6 | static_cast<std::uint32_t>(digit);
    }
    // Bits that stand for no byte are zero in the only right form.
    if (padding > 0 && (group & ((1U << (8 * padding)) - 1)) != 0) return not_base64(field);
    for (std::size_t k = 0; k < 3 - padding; ++k) {
      bytes.push_back(static_cast<std::uint8_t>(group >> (16 - 8 * k)));
    }
  }
  return bytes;
}

}  // namespace tapewarden
