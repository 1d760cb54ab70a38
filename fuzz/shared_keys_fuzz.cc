// Files of shared keys: the file as it arrives, and the content behind tags and signature, as a partner who
// means ill could have written it. The first byte says which.
#include "fuzz.h"
#include "keymgr/sharing/shared_file.h"

namespace {

using namespace tapewarden;
namespace sharing = keymgr::sharing;

void read_file(ByteView input) {
  const auto header = sharing::decode_header(input);
  if (header) TW_ASSERT(equal(sharing::encode_header(*header), input));
  // Nobody guesses a signature; what comes before it is read.
  (void)sharing::read_file(input);
}

void read_content(ByteView input) {
  if (input.empty()) return;
  const auto keys = sharing::read_records(input.subspan(1), input.front());
  if (!keys) return;
  for (const auto& key : *keys) {
    const auto again = sharing::decode_key(sharing::encode_key(key));
    TW_ASSERT(again.has_value() && sharing::encode_key(*again) == sharing::encode_key(key));
  }
}

void read_key(ByteView input) {
  const auto key = sharing::decode_key(input);
  if (key) TW_ASSERT(equal(sharing::encode_key(*key), input));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const tapewarden::ByteView input(data, size);
  if (input.empty()) return 0;
  switch (input.front() % 3) {
    case 0:
      read_file(input.subspan(1));
      break;
    case 1:
      read_content(input.subspan(1));
      break;
    default:
      read_key(input.subspan(1));
  }
  return 0;
}
