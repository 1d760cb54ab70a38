#include "eedk/wrapping_key_message.h"

namespace tapewarden::eedk {

namespace {
constexpr std::string_view kPrefix{"tapewarden dkx wrapping key v1\0", 31};
static_assert(kPrefix.back() == 0);
}  // namespace

Bytes wrapping_key_message(ByteView spki) {
  ByteWriter out;
  out.text(kPrefix).bytes(spki);
  return out.take();
}

}  // namespace tapewarden::eedk
