// EEDKs, sets and seals as they come off a cartridge, and aliases as they come from people.
#include "eedk/data_key_identifier.h"
#include "eedk/eedk_set.h"
#include "fuzz.h"

namespace {

void read_alias(tapewarden::ByteView input) {
  using tapewarden::eedk::DataKeyIdentifier;
  const auto identifier = DataKeyIdentifier::from_alias(tapewarden::as_text(input));
  if (identifier) TW_ASSERT(*DataKeyIdentifier::from_alias(*identifier->alias()) == *identifier);
  const auto from_tape = DataKeyIdentifier::from_tape(input);
  if (from_tape) TW_ASSERT(from_tape->folded().folded() == from_tape->folded());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tapewarden;
  const ByteView input(data, size);
  const auto eedk = eedk::decode_eedk(input);
  if (eedk) TW_ASSERT(equal(encode(*eedk), input));
  const auto set = eedk::decode_eedk_set(input);
  if (set) TW_ASSERT(equal(encode(*set), input));
  const auto seal = eedk::decode_seal(input);
  if (seal) TW_ASSERT(equal(encode(*seal), input));
  read_alias(input);
  return 0;
}
