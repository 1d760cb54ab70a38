// K12, D6: documents that are checked without a server.
#include "proof/signed_document.h"

#include <gtest/gtest.h>

#include "base/real_env.h"
#include "base/text.h"
#include "crypto/random.h"
#include "proof/json_text.h"

namespace tapewarden::proof {
namespace {

namespace json = boost::json;

struct Maker {
  explicit Maker(const std::string& name = "primary signing") {
    crypto::CertificateSpec spec;
    spec.common_name = name;
    spec.use = crypto::CertificateUse::kSigning;
    spec.not_before = clock.wall_now() - std::chrono::hours(1);
    spec.not_after = clock.wall_now() + std::chrono::hours(24);
    signer = {Uuid::random(random), "primary", *crypto::self_signed_certificate(spec, key, random)};
  }
  std::string sign(DocumentKind kind = DocumentKind::kEvidence,
                   WallTime made = RealClock().wall_now()) const {
    const json::object content{{"volser", "VOL001"}, {"keys", json::array{"one", 2, json::object{}}}};
    return sign_document(kind, content, signer, key, made);
  }

  crypto::SystemRandom random;
  RealClock clock;
  crypto::PrivateKey key = crypto::PrivateKey::generate_p256();
  Signer signer;
};

TEST(SignedDocument, K12_OpensWithWhatWasSigned) {
  const Maker maker;
  const auto file = maker.sign();
  const auto document = open_document(file, DocumentKind::kEvidence);
  ASSERT_TRUE(document) << document.error().text();
  EXPECT_EQ(document->signer.server, maker.signer.server);
  EXPECT_EQ(document->signer.certificate, maker.signer.certificate);
  EXPECT_EQ(document->content.at("volser").as_string(), "VOL001");
  EXPECT_TRUE(check_trust(*document, {.certificates = {maker.signer.certificate}, .authorities = {}}));
  json::error_code error;
  EXPECT_TRUE(json::parse(file, error).is_object()) << "the whole file is one JSON object";
}

TEST(SignedDocument, K12_EveryFlippedBitIsFound) {
  const Maker maker;
  const auto file = maker.sign();
  for (std::size_t at = 0; at < file.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      auto bad = file;
      bad[at] = static_cast<char>(static_cast<unsigned char>(bad[at]) ^ (1U << bit));
      const auto opened = open_document(bad, DocumentKind::kEvidence);
      ASSERT_FALSE(opened) << "byte " << at << ", bit " << bit;
      ASSERT_FALSE(opened.error().message.empty());
    }
  }
}

TEST(SignedDocument, K12_EveryCutIsFound) {
  const auto file = Maker().sign();
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_FALSE(open_document(std::string_view(file).substr(0, size), DocumentKind::kEvidence)) << size;
  }
  const auto cut = open_document(std::string_view(file).substr(0, file.size() / 2), DocumentKind::kEvidence);
  EXPECT_TRUE(cut.error().message.contains("cut off")) << cut.error().text();
  EXPECT_FALSE(open_document(file + "\n", DocumentKind::kEvidence));
  EXPECT_FALSE(open_document(file + file, DocumentKind::kEvidence));
}

TEST(SignedDocument, K12_OneKindIsNotTakenForAnother) {
  const auto file = Maker().sign(DocumentKind::kErasure);
  EXPECT_TRUE(open_document(file, DocumentKind::kErasure));
  const auto wrong = open_document(file, DocumentKind::kEvidence);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(wrong.error().message.contains("no evidence pack"));
}

TEST(SignedDocument, K12_AForeignSignerIsTold) {
  const Maker maker;
  const Maker other("other signing");
  const auto document = open_document(maker.sign(), DocumentKind::kEvidence);
  ASSERT_TRUE(document);
  const auto foreign =
      check_trust(*document, {.certificates = {other.signer.certificate}, .authorities = {}});
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, ErrorCode::kUnauthenticated);
  EXPECT_TRUE(foreign.error().message.contains(to_hex(maker.signer.certificate.fingerprint())));
  EXPECT_FALSE(check_trust(*document, {.certificates = {}, .authorities = {other.signer.certificate}}));
  EXPECT_FALSE(check_trust(*document, {}));
}

TEST(SignedDocument, K12_TheSitesAuthorityIsEnough) {
  Maker maker;
  const auto authority_key = crypto::PrivateKey::generate_p256();
  crypto::CertificateSpec spec;
  spec.common_name = "authority";
  spec.use = crypto::CertificateUse::kAuthority;
  spec.not_before = maker.clock.wall_now() - std::chrono::hours(1);
  spec.not_after = maker.clock.wall_now() + std::chrono::hours(24);
  const auto authority = *crypto::self_signed_certificate(spec, authority_key, maker.random);
  spec.common_name = "issued";
  spec.use = crypto::CertificateUse::kSigning;
  maker.signer.certificate =
      *crypto::issue_certificate(spec, maker.key.public_key(), authority, authority_key, maker.random);
  const auto document = open_document(maker.sign(), DocumentKind::kEvidence);
  ASSERT_TRUE(document);
  EXPECT_TRUE(check_trust(*document, {.certificates = {}, .authorities = {authority}}));
}

TEST(SignedDocument, K12_MadeOutsideTheCertificatesTimeIsRefused) {
  const Maker maker;
  const Trust trust{.certificates = {maker.signer.certificate}, .authorities = {}};
  for (const auto away : {std::chrono::hours(-48), std::chrono::hours(48)}) {
    const auto file = maker.sign(DocumentKind::kEvidence, RealClock().wall_now() + away);
    const auto document = open_document(file, DocumentKind::kEvidence);
    ASSERT_TRUE(document);
    EXPECT_FALSE(check_trust(*document, trust));
  }
}

TEST(SignedDocument, K12_TimesAreReadAsTheyAreWritten) {
  for (const std::int64_t millis : {0LL, 1763692832123LL, 951782400000LL}) {
    EXPECT_EQ(parse_utc(format_utc(from_millis(millis))).value(), from_millis(millis));
  }
  for (const char* text : {"", "2026-13-01T00:00:00.000Z", "2026-02-30T00:00:00.000Z",
                           "2026-11-21T24:00:00.000Z", "2026-11-21 02:40:32.123Z", "2026-11-21T02:40:32Z"}) {
    EXPECT_FALSE(parse_utc(text)) << text;
  }
}

TEST(JsonText, K12_StandsLineByLine) {
  const json::object value{{"a", json::array{}}, {"b", json::array{1, "x\ny"}}, {"c", json::object{}}};
  EXPECT_EQ(to_text(value), "{\n  \"a\": [],\n  \"b\": [\n    1,\n    \"x\\ny\"\n  ],\n  \"c\": {}\n}");
}

}  // namespace
}  // namespace tapewarden::proof
