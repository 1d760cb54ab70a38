// Login and negotiation text. The first byte chooses stage and kind of login; the rest is the text of one
// request.
#include "fuzz.h"
#include "iscsi/testing/bench.h"

namespace {

using namespace tapewarden;
using namespace tapewarden::iscsi;
using iscsi::testing::Bench;

void check_text(ByteView bytes) {
  const auto text = Text::parse(bytes);
  if (!text) return;
  const auto encoded = text->encode();
  const auto again = Text::parse(encoded);
  TW_ASSERT(again.has_value() && again->pairs() == text->pairs());
  Negotiation negotiation({});
  Text out;
  for (const auto& pair : text->pairs()) static_cast<void>(negotiation.answer(pair, false, out).has_value());
  const auto agreed = negotiation.agreed();
  TW_ASSERT(agreed.first_burst <= agreed.max_burst && agreed.max_burst >= 512 &&
            agreed.their_max_segment >= 512);
  TW_ASSERT(agreed.max_outstanding_r2t >= 1 && agreed.error_recovery_level == 0 &&
            agreed.max_connections == 1);
  for (const auto& pair : text->pairs()) {
    static_cast<void>(parse_numerical(pair.value).has_value());
    if (const auto bytes_of = parse_binary(pair.value, 1024)) TW_ASSERT(bytes_of->size() <= 1024);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::uint8_t choice = data[0];
  const ByteView text = ByteView(data, size).subspan(1);
  check_text(text);
  auto config = Bench::default_config();
  if ((choice & 1U) != 0)
    config.targets.front().authentication.initiators.push_back(
        {"host", crypto::SecretBytes::copy_of(as_bytes("a-secret-of-length"))});
  Bench bench(std::move(config));
  LoginRequest request{.transit = (choice & 2U) != 0,
                       .current = (choice & 4U) != 0 ? Stage::kOperational : Stage::kSecurity,
                       .next = Stage::kFullFeature};
  static_cast<void>(
      bench.feed(encode_pdu(request.encode(), text.first(std::min<std::size_t>(text.size(), 8192)))));
  for (const auto& pdu : bench.take()) {
    TW_ASSERT(pdu.header.is(Opcode::kLoginResponse));
    const auto answer = LoginResponse::decode(pdu.header);
    TW_ASSERT(answer.status == LoginStatus::kSuccess || bench.ended.has_value());
    // Nobody gets past CHAP in one request.
    TW_ASSERT((choice & 1U) == 0 || !bench.endpoint().in_session());
  }
  return 0;
}
