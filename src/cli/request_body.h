// A JSON object that is written member by member, so that a secret goes from its SecretBytes into the body
// and nowhere else. The caller wipes what take() gives. One thread at a time.
#pragma once

#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "crypto/secret_bytes.h"

namespace tapewarden::cli {

class RequestBody {
 public:
  void add_text(std::string_view name, std::string_view value);
  void add_integer(std::string_view name, std::int64_t value);
  void add_flag(std::string_view name, bool value);
  void add_list(std::string_view name, const std::vector<std::string>& values);
  void add_secret(std::string_view name, const crypto::SecretBytes& value);
  // Empty when nothing was added.
  Bytes take();

 private:
  void add_name(std::string_view name);
  void add_string(ByteView text);

  // Written into secure memory beforehand would be safer still; the buffer is wiped when it grows.
  void append(ByteView bytes);
  Bytes buffer_;
};

}  // namespace tapewarden::cli
