#include "cli/request_body.h"

namespace tapewarden::cli {

void RequestBody::append(ByteView bytes) {
  if (buffer_.size() + bytes.size() > buffer_.capacity()) {
    Bytes larger;
    larger.reserve(2 * (buffer_.size() + bytes.size()) + 256);
    larger.assign(buffer_.begin(), buffer_.end());
    crypto::wipe(buffer_);
    buffer_ = std::move(larger);
  }
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

void RequestBody::add_string(ByteView text) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  append(as_bytes("\""));
  for (const std::uint8_t byte : text) {
    if (byte == '"' || byte == '\\') {
      const std::uint8_t escaped[] = {'\\', byte};
      append(escaped);
    } else if (byte < 0x20) {
      const std::uint8_t escaped[] = {'\\',
                                      'u',
                                      '0',
                                      '0',
                                      static_cast<std::uint8_t>(kDigits[byte >> 4]),
                                      static_cast<std::uint8_t>(kDigits[byte & 15])};
      append(escaped);
    } else {
      append({&byte, 1});
    }
  }
  append(as_bytes("\""));
}

void RequestBody::add_name(std::string_view name) {
  append(as_bytes(buffer_.empty() ? "{" : ","));
  add_string(as_bytes(name));
  append(as_bytes(":"));
}

void RequestBody::add_text(std::string_view name, std::string_view value) {
  add_name(name);
  add_string(as_bytes(value));
}

void RequestBody::add_integer(std::string_view name, std::int64_t value) {
  add_name(name);
  append(as_bytes(std::to_string(value)));
}

void RequestBody::add_flag(std::string_view name, bool value) {
  add_name(name);
  append(as_bytes(value ? "true" : "false"));
}

void RequestBody::add_list(std::string_view name, const std::vector<std::string>& values) {
  add_name(name);
  append(as_bytes("["));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) append(as_bytes(","));
    add_string(as_bytes(values[i]));
  }
  append(as_bytes("]"));
}

void RequestBody::add_secret(std::string_view name, const crypto::SecretBytes& value) {
  add_name(name);
  add_string(value.reveal());
}

Bytes RequestBody::take() {
  if (!buffer_.empty()) append(as_bytes("}"));
  return std::move(buffer_);
}

}  // namespace tapewarden::cli
