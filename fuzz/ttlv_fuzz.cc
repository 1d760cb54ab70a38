// Whatever decodes must encode to the same bytes.
#include "fuzz.h"
#include "ttlv/testing/rewrite.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tapewarden;
  const ByteView input(data, size);
  if (size >= ttlv::kHeaderBytes) {
    const auto length = ttlv::message_size(input.first(ttlv::kHeaderBytes), 1U << 20);
    TW_ASSERT(!length || *length >= ttlv::kHeaderBytes);
  }
  const auto document = ttlv::decode(input, {.bytes = 1U << 16, .depth = 16, .items = 4096});
  if (document) TW_ASSERT(equal(ttlv::testing::rewritten(*document), input));
  return 0;
}
