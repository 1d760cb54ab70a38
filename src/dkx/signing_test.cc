#include "dkx/signing.h"

#include <gtest/gtest.h>

#include "dkx/limits.h"
#include "dkx/tags.h"
#include "dkx/testing/parties.h"
#include "eedk/wrapping_key_message.h"

namespace tapewarden::dkx {
namespace {

using testing::parties;

RequestEnvelope signed_sample() {
  return sign_request(7, encode(RequestBody{testing::sample_key_request(Intent::kRead)}), SignerKind::kDrive,
                      parties().drive.key, &parties().drive.certificate);
}

TEST(Envelope, K11_RoundTrips) {
  const auto request = signed_sample();
  EXPECT_EQ(*decode_request_envelope(encode(request)), request);
  const auto control = unsigned_request(0xFFFFFFFF, encode(RequestBody{PingRequest{}}));
  EXPECT_EQ(*decode_request_envelope(encode(control)), control);
  const auto proxied = sign_request(8, request.body, SignerKind::kProxy, parties().proxy.key, nullptr);
  EXPECT_EQ(*decode_request_envelope(encode(proxied)), proxied);
  const auto answer = sign_answer(request, encode(AnswerBody{Refusal{}}), parties().server.key,
                                  parties().server.certificate.fingerprint());
  EXPECT_EQ(*decode_answer_envelope(encode(answer)), answer);
  EXPECT_EQ(answer.message_id, 7U);
}

TEST(Envelope, BadEnvelopesAreRefusedNamingTheField) {
  const auto refused = [](auto fill) {
    ttlv::Writer out;
    out.begin(kTagRequest);
    fill(out);
    out.end();
    const auto envelope = decode_request_envelope(out.take());
    if (envelope) return std::string("accepted");
    EXPECT_EQ(envelope.error().detail, 0xEE02U);
    return envelope.error().field;
  };
  const Bytes body(8);
  const auto head = [&](ttlv::Writer& out) -> ttlv::Writer& {
    return out.add_integer(kTagVersion, 1 << 16).add_long_integer(kTagMessageId, 1).add_bytes(kTagBody, body);
  };
  EXPECT_EQ(refused([&](auto& out) { head(out).add_enumeration(kTagSignerKind, 1U); }), "accepted");
  EXPECT_EQ(refused([&](auto& out) { out.add_integer(kTagVersion, 2 << 16); }), "version");
  EXPECT_EQ(refused([&](auto& out) { out.add_integer(kTagVersion, 5); }), "version (540003)");
  EXPECT_EQ(refused([&](auto& out) {
              out.add_integer(kTagVersion, 1 << 16).add_long_integer(kTagMessageId, 1LL << 32);
            }),
            "message id (540004)");
  EXPECT_EQ(refused([&](auto& out) { head(out).add_enumeration(kTagSignerKind, 4U); }),
            "signer kind (540006)");
  EXPECT_EQ(refused([&](auto& out) { head(out).add_enumeration(kTagSignerKind, 2U); }), "signature (540007)");
  EXPECT_EQ(refused([&](auto& out) {
              head(out).add_enumeration(kTagSignerKind, 2U).add_bytes(kTagSignature, body);
            }),
            "certificate (540008)");
  EXPECT_EQ(refused([&](auto& out) {
              head(out).add_enumeration(kTagSignerKind, 1U).add_bytes(kTagSignature, body);
            }),
            "signature (540007)");
  EXPECT_EQ(decode_request_envelope(Bytes(kMaxMessageBytes + 8)).error().detail, 0xEE02U);
}

TEST(Signing, K11_ARequestIsBoundToItsSignerAndItsBytes) {
  auto request = signed_sample();
  const auto key = *parties().drive.certificate.public_key();
  EXPECT_TRUE(verify_request(request, key));
  EXPECT_EQ(verify_request(request, *parties().proxy.certificate.public_key()).error().detail, 0xEE29U);
  EXPECT_FALSE(verify_request(request, parties().kek.public_key())) << "an RSA key signs nothing here";
  request.body.back() ^= 1;
  EXPECT_FALSE(verify_request(request, key));
  const auto control = unsigned_request(1, encode(RequestBody{PingRequest{}}));
  EXPECT_EQ(verify_request(control, key).error().detail, 0xEE2EU);
}

TEST(Signing, K11_AnAnswerIsBoundToItsRequest) {
  const auto request = signed_sample();
  const auto answer = sign_answer(request, encode(AnswerBody{Refusal{}}), parties().server.key,
                                  parties().server.certificate.fingerprint());
  EXPECT_TRUE(verify_answer(answer, request, parties().server.certificate));
  EXPECT_FALSE(verify_answer(answer, request, parties().other.certificate));
  auto other_request = request;
  other_request.body.back() ^= 1;
  EXPECT_FALSE(verify_answer(answer, other_request, parties().server.certificate));
  auto other_id = answer;
  other_id.message_id = 8;
  EXPECT_FALSE(verify_answer(other_id, request, parties().server.certificate));
  auto other_body = answer;
  other_body.body.back() ^= 1;
  EXPECT_FALSE(verify_answer(other_body, request, parties().server.certificate));
  auto forged = sign_answer(request, answer.body, parties().stranger.key, answer.certificate);
  EXPECT_EQ(verify_answer(forged, request, parties().server.certificate).error().code,
            ErrorCode::kUnauthenticated);
}

// The same bytes signed for one purpose say nothing for another.
TEST(Signing, K11_SignaturesOfOneKindAreNoneOfAnother) {
  const Bytes body = encode(RequestBody{PingRequest{}});
  EXPECT_NE(request_message(body), eedk::wrapping_key_message(body));
  EXPECT_EQ(as_text(request_message({})), std::string_view("tapewarden dkx request v1\0", 26));
  EXPECT_EQ(as_text(eedk::wrapping_key_message({})),
            std::string_view("tapewarden dkx wrapping key v1\0", 31));
  EXPECT_EQ(answer_message({}, {}).size(), 25U + 32U);
  const auto enrolment = testing::sample_enrolment();
  EXPECT_TRUE(parties().drive.certificate.public_key()->verify(
      eedk::wrapping_key_message(enrolment.wrapping_key), enrolment.wrapping_key_signature));
  EXPECT_FALSE(parties().drive.certificate.public_key()->verify(request_message(enrolment.wrapping_key),
                                                                enrolment.wrapping_key_signature));
}

}  // namespace
}  // namespace tapewarden::dkx
