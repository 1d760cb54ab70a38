#include "eedk/eedk.h"

#include <gtest/gtest.h>

#include "base/testing/sim_env.h"
#include "crypto/random.h"
#include "eedk/eedk_set.h"
#include "eedk/ekm_code.h"
#include "eedk/sedk.h"
#include "eedk/tags.h"

namespace tapewarden::eedk {
namespace {

using crypto::PrivateKey;
using crypto::SecretBytes;

class EedkTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    kek_ = PrivateKey::generate_rsa(2048);
    other_kek_ = PrivateKey::generate_rsa(2048);
    signer_ = PrivateKey::generate_p256();
    ::tapewarden::testing::SimRandom random(1);
    crypto::CertificateSpec spec;
    spec.common_name = "keyd signing";
    spec.use = crypto::CertificateUse::kSigning;
    spec.not_before = from_millis(1'700'000'000'000);
    spec.not_after = from_millis(1'900'000'000'000);
    certificate_ = *crypto::self_signed_certificate(spec, signer_, random);
  }
  Uuid volume() { return Uuid::random(random_); }
  EedkSet sealed_set() {
    EedkSet set;
    set.volume = volume();
    set.key_check = crypto::key_check_value(data_key_, set.volume);
    set.eedks = {*wrap_eedk(data_key_, kek_.public_key(), ClearLabel{"PRIMARY"}, set.volume),
                 *wrap_eedk(data_key_, other_kek_.public_key(),
                            HashLabel{other_kek_.public_key().spki_hash()}, set.volume)};
    seal(set, Uuid::random(random_), certificate_, signer_);
    return set;
  }

  inline static PrivateKey kek_, other_kek_, signer_;
  inline static crypto::Certificate certificate_;
  ::tapewarden::testing::SimRandom random_{7};
  SecretBytes data_key_ = crypto::random_secret(random_, 32);
};

TEST_F(EedkTest, K6_OpensWithItsKekOnItsVolumeOnly) {
  const Uuid here = volume();
  const auto eedk = wrap_eedk(data_key_, kek_.public_key(), ClearLabel{"PRIMARY"}, here);
  ASSERT_TRUE(eedk);
  EXPECT_EQ(*open_eedk(*eedk, kek_, here), data_key_);
  EXPECT_FALSE(open_eedk(*eedk, kek_, volume())) << "an EEDK copied to another cartridge";
  EXPECT_FALSE(open_eedk(*eedk, other_kek_, here));
}

TEST_F(EedkTest, K7_AllUnwrapFailuresLookAlike) {
  const Uuid here = volume();
  auto eedk = *wrap_eedk(data_key_, kek_.public_key(), ClearLabel{"PRIMARY"}, here);
  const auto wrong_volume = open_eedk(eedk, kek_, volume());
  const auto wrong_kek = open_eedk(eedk, other_kek_, here);
  eedk.wrapped[10] ^= 1;
  const auto changed = open_eedk(eedk, kek_, here);
  eedk.wrapped.resize(20);
  const auto cut = open_eedk(eedk, kek_, here);
  for (const auto* failure : {&wrong_volume, &wrong_kek, &changed, &cut}) {
    ASSERT_FALSE(*failure);
    EXPECT_EQ(failure->error().text(), wrong_kek.error().text());
    EXPECT_EQ(failure->error().code, ErrorCode::kCorrupt);
  }
}

TEST_F(EedkTest, K11_SedkOpensInItsExchangeOnly) {
  const Uuid here = volume();
  const Uuid request = volume();
  const auto sedk = wrap_sedk(data_key_, kek_.public_key(), here, request);
  ASSERT_TRUE(sedk);
  EXPECT_EQ(*open_sedk(*sedk, kek_, here, request), data_key_);
  EXPECT_FALSE(open_sedk(*sedk, kek_, here, volume()));
  EXPECT_FALSE(open_sedk(*sedk, kek_, volume(), request));
}

TEST_F(EedkTest, K25_AnAlgorithmOfTheFutureIsCarriedButNotOpened) {
  Eedk eedk{WrapAlgorithm{4711}, HashLabel{}, Bytes(kMaxWrappedKeyBytes, 0xA5)};
  const Bytes bytes = encode(eedk);
  EXPECT_LE(bytes.size(), kMaxEedkBytes);
  EXPECT_EQ(*decode_eedk(bytes), eedk);
  EXPECT_EQ(open_eedk(eedk, kek_, volume()).error().code, ErrorCode::kUnsupported);
}

TEST_F(EedkTest, K6_BothLabelModesRoundTrip) {
  for (const KekLabel& label : {KekLabel{ClearLabel{std::string(64, 'L')}}, KekLabel{HashLabel{{1, 2, 3}}}}) {
    const Eedk eedk{WrapAlgorithm::kRsaOaepSha256, label, Bytes(256, 1)};
    EXPECT_EQ(*decode_eedk(encode(eedk)), eedk);
  }
  EXPECT_EQ(to_string(KekLabel{ClearLabel{"A"}}), "A");
  EXPECT_TRUE(to_string(KekLabel{HashLabel{{0xAB}}}).starts_with("sha256:ab00"));
}

TEST_F(EedkTest, BadFieldsAreNamed) {
  const auto field_of = [](auto fill) {
    ttlv::Writer out;
    out.begin(kTagEedk);
    fill(out);
    out.end();
    const auto eedk = decode_eedk(out.take());
    return eedk ? std::string() : eedk.error().field;
  };
  const auto head = [](ttlv::Writer& out) -> ttlv::Writer& {
    return out.add_integer(kTagVersion, 1).add_enumeration(kTagWrapAlgorithm, 1U);
  };
  const Bytes wrapped(256);
  EXPECT_EQ(
      field_of([&](auto& out) { head(out).add_text(kTagLabel, "A").add_bytes(kTagWrappedKey, wrapped); }),
      "");
  EXPECT_EQ(field_of([&](auto& out) { out.add_integer(kTagVersion, 2); }), "version (540102)");
  EXPECT_EQ(
      field_of([&](auto& out) { out.add_integer(kTagVersion, 1).add_enumeration(kTagWrapAlgorithm, 0U); }),
      "wrap algorithm (540103)");
  EXPECT_EQ(field_of([&](auto& out) { head(out).add_text(kTagLabel, ""); }), "label");
  EXPECT_EQ(field_of([&](auto& out) { head(out).add_text(kTagLabel, "A\nB"); }), "label");
  EXPECT_EQ(field_of([&](auto& out) { head(out).add_text(kTagLabel, std::string(65, 'A')); }),
            "label (540104)");
  EXPECT_EQ(field_of([&](auto& out) { head(out).add_bytes(kTagLabelHash, Bytes(31)); }),
            "label hash (540105)");
  EXPECT_EQ(field_of([&](auto& out) { head(out).add_text(kTagLabel, "A").add_bytes(kTagWrappedKey, {}); }),
            "wrapped key");
  EXPECT_EQ(
      field_of([&](auto& out) {
        head(out).add_text(kTagLabel, "A").add_bytes(kTagWrappedKey, wrapped).add_integer(kTagVersion, 1);
      }),
      "version (540102)");
  EXPECT_EQ(decode_eedk(Bytes(kMaxEedkBytes + 8)).error().code, ErrorCode::kExhausted);
}

TEST_F(EedkTest, K6_SealCoversEverything) {
  const EedkSet set = sealed_set();
  EXPECT_TRUE(verify_seal(set, certificate_));
  EXPECT_EQ(*decode_eedk_set(encode(set)), set);
  EXPECT_EQ(*decode_seal(encode(*set.seal)), *set.seal);
  EXPECT_TRUE(verify_seal(*decode_eedk_set(encode(set)), certificate_));

  std::vector<EedkSet> changed(6, set);
  changed[0].volume = volume();
  changed[1].key_check[0] ^= 1;
  changed[2].eedks.pop_back();
  std::swap(changed[3].eedks[0], changed[3].eedks[1]);
  changed[4].seal->server = volume();
  changed[5].eedks[0].label = ClearLabel{"OTHER"};
  for (const auto& forged : changed) {
    const auto verdict = verify_seal(forged, certificate_);
    ASSERT_FALSE(verdict);
    EXPECT_EQ(verdict.error().code, ErrorCode::kPermissionDenied);
    EXPECT_EQ(verdict.error().detail, 0xEE29U);
  }
}

TEST_F(EedkTest, K6_ARenewedCertificateStillVerifiesOldSeals) {
  const EedkSet set = sealed_set();
  ::tapewarden::testing::SimRandom random(7);
  crypto::CertificateSpec spec;
  spec.common_name = "renewed";
  spec.not_before = from_millis(0);
  spec.not_after = from_millis(2'000'000'000'000);
  const auto renewed = crypto::self_signed_certificate(spec, signer_, random).value();
  EXPECT_NE(renewed.fingerprint(), certificate_.fingerprint());
  EXPECT_TRUE(verify_seal(set, renewed));
  const auto other =
      crypto::self_signed_certificate(spec, crypto::PrivateKey::generate_p256(), random).value();
  EXPECT_EQ(verify_seal(set, other).error().detail, 0xEE29U);
}

TEST_F(EedkTest, K7_ASetWithoutASealIsCarriedAndNotTrusted) {
  EedkSet set = sealed_set();
  set.seal.reset();
  EXPECT_EQ(*decode_eedk_set(encode(set)), set);
  EXPECT_FALSE(verify_seal(set, certificate_));
}

// Every single-bit change of an encoded set is refused, or is seen by the seal.
TEST_F(EedkTest, K6_AnyFlippedBitIsFound) {
  const EedkSet set = sealed_set();
  const Bytes good = encode(set);
  for (std::size_t bit = 0; bit < good.size() * 8; bit += 7) {
    Bytes bytes = good;
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const auto decoded = decode_eedk_set(bytes);
    if (decoded) {
      EXPECT_FALSE(verify_seal(*decoded, certificate_)) << "bit " << bit;
    }
  }
}

TEST_F(EedkTest, ThreeEedksAreRefused) {
  EedkSet set = sealed_set();
  ttlv::Writer out;
  out.begin(kTagEedkSet).begin(kTagSealedContent).add_integer(kTagVersion, 1);
  out.add_bytes(kTagVolume, set.volume.view()).add_bytes(kTagKeyCheckValue, set.key_check);
  for (int i = 0; i < 3; ++i) write(out, set.eedks[0]);
  out.end().end();
  EXPECT_EQ(decode_eedk_set(out.take()).error().field, "EEDK (540101)");
}

TEST(EkmCode, K14_EveryCodeHasAMeaningAndAnAction) {
  for (const unsigned code : {0xEE02U, 0xEE0FU, 0xEE23U, 0xEE25U, 0xEE29U, 0xEE2BU, 0xEE2CU, 0xEE2DU, 0xEE2EU,
                              0xEE30U, 0xEE31U, 0xEE32U, 0xEE34U, 0xEEE1U, 0xEF01U, 0xEF10U}) {
    const auto& row = describe(EkmCode{static_cast<std::uint16_t>(code)});
    EXPECT_EQ(static_cast<unsigned>(row.code), code);
    EXPECT_FALSE(row.meaning.empty());
    EXPECT_FALSE(row.action.empty());
  }
  EXPECT_EQ(to_string(EkmCode::kKeyNotHeld), "EE32");
  const auto error = fail_ekm(ErrorCode::kNotFound, EkmCode::kKeyNotHeld, "no key").error();
  EXPECT_EQ(ekm_code_of(error), EkmCode::kKeyNotHeld);
  EXPECT_FALSE(error.remedy.empty());
  EXPECT_EQ(ekm_code_of(Error{ErrorCode::kExhausted, "", "", "", 0}), EkmCode::kNoKeyToServe);
}

}  // namespace
}  // namespace tapewarden::eedk
