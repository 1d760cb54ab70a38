#include "dkx/body.h"

#include <gtest/gtest.h>

#include "base/testing/sim_env.h"
#include "dkx/limits.h"
#include "dkx/tags.h"
#include "dkx/testing/parties.h"

namespace tapewarden::dkx {
namespace {

using testing::sample_key_request;

TEST(Body, K11_EveryRequestRoundTrips) {
  for (const auto& sample : testing::sample_requests()) {
    const Bytes bytes = encode(sample);
    const auto decoded = decode_request_body(bytes);
    ASSERT_TRUE(decoded) << decoded.error().text();
    EXPECT_EQ(*decoded, sample);
    EXPECT_EQ(encode(*decoded), bytes);
    EXPECT_FALSE(decode_answer_body(bytes));
  }
}

TEST(Body, K11_EveryAnswerRoundTrips) {
  for (const auto& sample : testing::sample_answers()) {
    const Bytes bytes = encode(sample);
    const auto decoded = decode_answer_body(bytes);
    ASSERT_TRUE(decoded) << decoded.error().text();
    EXPECT_EQ(*decoded, sample);
    EXPECT_EQ(encode(*decoded), bytes);
    EXPECT_FALSE(decode_request_body(bytes));
  }
}

TEST(Body, EveryCutMessageIsRefusedWithItsCode) {
  for (const auto& sample : testing::sample_requests()) {
    const Bytes bytes = encode(sample);
    for (std::size_t size = 0; size < bytes.size(); size += 3) {
      const auto decoded = decode_request_body(ByteView(bytes).first(size));
      ASSERT_FALSE(decoded);
      EXPECT_EQ(decoded.error().detail, 0xEE23U);
    }
  }
}

// Takes a field out, or says one twice: each is refused and named, whatever field it is.
TEST(Body, EachFieldOfAKeyRequestStandsOnceInItsPlace) {
  const Bytes bytes = encode(sample_key_request(Intent::kConfirm));
  const auto document = *ttlv::decode(bytes);
  std::size_t optional = 0;
  for (const ttlv::Item left_out : document.root().children()) {
    ttlv::Writer without;
    ttlv::Writer twice;
    without.begin(kTagKeyRequest);
    twice.begin(kTagKeyRequest);
    for (const ttlv::Item child : document.root().children()) {
      if (child.tag() != left_out.tag()) without.add_encoded(child.encoding());
      twice.add_encoded(child.encoding());
      if (child.tag() == left_out.tag()) twice.add_encoded(child.encoding());
    }
    without.end();
    twice.end();
    EXPECT_FALSE(decode_request_body(without.take())) << tag_name(left_out.tag());
    EXPECT_FALSE(decode_request_body(twice.take())) << tag_name(left_out.tag());
    ++optional;
  }
  EXPECT_EQ(optional, 8U);
}

std::string refused_field(const KeyRequest& request) {
  const auto decoded = decode_request_body(encode(request));
  return decoded ? "accepted"
                 : eedk::to_string(eedk::ekm_code_of(decoded.error())) + " " + decoded.error().field;
}

TEST(Body, K7_IntentsAndFieldsMustFitTogether) {
  for (const Intent intent : {Intent::kAppend, Intent::kRead, Intent::kRekey}) {
    KeyRequest request = sample_key_request(intent);
    request.held = NothingHeld{};
    EXPECT_EQ(refused_field(request), "EEE1 held") << to_string(intent);
  }
  KeyRequest rekey = sample_key_request(Intent::kRekey);
  rekey.held = eedk::DataKeyIdentifier{};
  EXPECT_EQ(refused_field(rekey), "EEE1 held");
  rekey = sample_key_request(Intent::kRekey);
  rekey.asked = GroupAsked{"G"};
  EXPECT_EQ(refused_field(rekey), "EEE1 labels");
  KeyRequest append = sample_key_request(Intent::kAppend);
  append.asked = AliasAsked{"KEY2"};
  EXPECT_EQ(refused_field(append), "EEE1 asked");
  KeyRequest read = sample_key_request(Intent::kRead);
  read.confirmation = Confirmation{};
  EXPECT_EQ(refused_field(read), "EEE1 confirmation");
  KeyRequest confirm = sample_key_request(Intent::kConfirm);
  confirm.confirmation.reset();
  EXPECT_EQ(refused_field(confirm), "EEE1 confirmation");
  confirm = sample_key_request(Intent::kConfirm);
  confirm.held = eedk::DataKeyIdentifier{};
  EXPECT_EQ(refused_field(confirm), "EEE1 held");
}

TEST(Body, NamesFromOutsideCannotForgeALine) {
  KeyRequest request = sample_key_request(Intent::kWriteFromBeginning);
  request.drive.serial = "123\n456";
  EXPECT_EQ(refused_field(request), "EE23 drive serial (540044)");
  request = sample_key_request(Intent::kWriteFromBeginning);
  request.drive.serial = "";
  EXPECT_EQ(refused_field(request), "EE23 drive serial (540044)");
  request = sample_key_request(Intent::kWriteFromBeginning);
  request.volser = "VOLUME001";
  EXPECT_EQ(refused_field(request), "EE23 volser (54004B)");
  request = sample_key_request(Intent::kWriteFromBeginning);
  request.proxy = "\x1b[2J";
  EXPECT_EQ(refused_field(request), "EE23 proxy (540053)");
  request = sample_key_request(Intent::kWriteFromBeginning);
  request.asked = GroupAsked{std::string(kMaxGroupBytes + 1, 'G')};
  EXPECT_EQ(refused_field(request), "EE23 key group (540051)");
  request.asked = LabelsAsked{{" A", eedk::LabelMode::kClear}};
  EXPECT_EQ(refused_field(request), "EE23 label");
}

TEST(Body, ControlCountsHaveLimits) {
  ttlv::Writer out;
  out.begin(kTagHelloRequest).add_integer(kTagSupportedVersion, 1 << 16).add_bytes(kTagChallenge, Bytes(32));
  out.add_integer(kTagNonceCount, 17).end();
  EXPECT_EQ(decode_request_body(out.take()).error().field, "nonce count (540022)");
  ttlv::Writer many;
  many.begin(kTagHelloRequest);
  for (int i = 0; i < 9; ++i) many.add_integer(kTagSupportedVersion, 1 << 16);
  many.add_bytes(kTagChallenge, Bytes(32)).add_integer(kTagNonceCount, 1).end();
  EXPECT_FALSE(decode_request_body(many.take()));
  ttlv::Writer none;
  none.begin(kTagCheckLabelsRequest).add_bytes(kTagChallenge, Bytes(32)).end();
  EXPECT_EQ(decode_request_body(none.take()).error().field, "check (540028)");
}

TEST(Refusal, K14_ErrorsTravelWithCodeOriginAndAction) {
  const auto error = eedk::fail_ekm(ErrorCode::kNotFound, eedk::EkmCode::kKeyNotHeld,
                                    "no key \n for this tape", "EEDK", "import the key")
                         .error();
  const Refusal refusal = refusal_of(error);
  const auto back = decode_answer_body(encode(AnswerBody{refusal}));
  ASSERT_TRUE(back);
  const Error shown = error_of(std::get<Refusal>(*back));
  EXPECT_EQ(shown.code, ErrorCode::kNotFound);
  EXPECT_EQ(shown.detail, 0xEE32U);
  EXPECT_EQ(shown.message, "no key \\x0a for this tape");
  EXPECT_EQ(shown.remedy, "import the key");
  const Refusal long_text = refusal_of(Error{ErrorCode::kInternal, std::string(5000, '\n'), "f", "", 0});
  EXPECT_TRUE(decode_answer_body(encode(AnswerBody{long_text})));
  EXPECT_FALSE(long_text.action.empty());
  const Refusal later = refusal_of(error, RetryReason::kWaitingForReplica);
  EXPECT_TRUE(later.retryable());
  EXPECT_EQ(error_of(later).code, ErrorCode::kUnavailable);
  EXPECT_EQ(to_string(later.retry), "waiting-for-replica");
}

TEST(Body, ChangedBytesAreRefusedOrMeanWhatTheySay) {
  ::tapewarden::testing::SimRandom random(11);
  const auto samples = testing::sample_requests();
  for (int round = 0; round < 3000; ++round) {
    Bytes bytes = encode(samples[random.below(samples.size())]);
    for (auto flips = 1 + random.below(3); flips > 0; --flips) {
      bytes[random.below(bytes.size())] ^= static_cast<std::uint8_t>(1U << random.below(8));
    }
    const auto decoded = decode_request_body(bytes);
    if (decoded) {
      EXPECT_EQ(encode(*decoded), bytes);
    }
  }
}

}  // namespace
}  // namespace tapewarden::dkx
