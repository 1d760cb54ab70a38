// Answers as a client reads them: the envelope, then its body; a body alone too, so that seeds reach it.
#include "dkx/body.h"
#include "dkx/envelope.h"
#include "fuzz.h"

namespace {

void read_body(tapewarden::ByteView bytes) {
  const auto body = tapewarden::dkx::decode_answer_body(bytes);
  if (body) {
    TW_ASSERT(tapewarden::equal(encode(*body), bytes));
  } else {
    TW_ASSERT(body.error().detail != 0);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tapewarden;
  const ByteView input(data, size);
  const auto envelope = dkx::decode_answer_envelope(input);
  if (envelope) {
    TW_ASSERT(equal(encode(*envelope), input));
    read_body(envelope->body);
  } else {
    TW_ASSERT(envelope.error().detail == 0xEE02);
    read_body(input);
  }
  return 0;
}
