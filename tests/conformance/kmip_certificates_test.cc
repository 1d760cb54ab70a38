// Certify, Re-certify and Validate.
#include <gtest/gtest.h>

#include "crypto/certification.h"
#include "crypto/random.h"
#include "keymgr/objects/kmip_issuer.h"
#include "kmip_rules.h"

namespace tapewarden::conformance {
namespace {

using crypto::Certificate;

class KmipCertificates : public KmipRules {
 protected:
  KmipCertificates() {
    crypto::CertificateSpec spec;
    spec.common_name = "Site authority";
    spec.use = crypto::CertificateUse::kAuthority;
    spec.not_before = now() - std::chrono::hours(1);
    spec.not_after = now() + std::chrono::days(3650);
    root_ = crypto::self_signed_certificate(spec, root_key_, random_).value();
  }
  WallTime now() { return server_.server().clock.wall_now(); }

  // An officer has the authority sign what the server asks for.
  Status set_issuer(std::int64_t days = 30, std::chrono::days lives = std::chrono::days(365)) {
    const keymgr::KmipIssuers issuers(server_.server().manager().context());
    std::string request;
    TRY(server_.server().write([&](store::Transaction& transaction) -> Status {
      request = TRY(issuers.request(transaction, keymgr::testing::officer(), "KMIP issuer"));
      return {};
    }));
    const auto read = TRY(crypto::read_certification_request(as_bytes(request)));
    crypto::LeafSpec spec{read.subject, read.spki, {}, now(), now() + lives};
    issuer_ = TRY(crypto::issue_issuer(spec, root_, root_key_, random_));
    return server_.server().write([&](store::Transaction& transaction) -> Status {
      TRY(issuers.set(transaction, keymgr::testing::officer(), issuer_, days));
      return {};
    });
  }
  std::string make_pair(std::string_view more = {}, std::string_view usage = "Verify") {
    const auto pair =
        ask(item("CreateKeyPair",
                 concat(structure("CommonAttributes", enumeration("CryptographicAlgorithm", "EC") +
                                                          number("CryptographicLength", 384)),
                        structure("PrivateKeyAttributes", field("CryptographicUsageMask", "Integer", "Sign")),
                        structure("PublicKeyAttributes",
                                  concat(field("CryptographicUsageMask", "Integer", usage), more)))));
    EXPECT_EQ(pair.outcome(), "Success") << pair.text();
    return pair.value("PublicKeyUniqueIdentifier");
  }
  static std::string x509() { return enumeration("CertificateType", "X_509"); }
  static std::string certify_item(std::string_view id, std::string_view attributes = {}) {
    return item("Certify", named(id) + structure("Attributes", x509() + std::string(attributes)));
  }
  std::string certify(std::string_view id, std::string_view attributes = {}) {
    const auto answer = ask(certify_item(id, attributes));
    EXPECT_EQ(answer.outcome(), "Success") << answer.text();
    return answer.value("UniqueIdentifier");
  }
  Certificate certificate_of(std::string_view id) {
    const auto got = ask(item("Get", named(id)));
    const auto der = from_hex(got.value("CertificateValue"));
    const auto parsed =
        der ? Certificate::from_der(*der) : Result<Certificate>(fail(ErrorCode::kCorrupt, "no hex"));
    EXPECT_TRUE(parsed) << got.text();
    return parsed.value_or(Certificate());
  }
  std::string validity(std::string_view payload) {
    const auto answer = ask(item("Validate", payload));
    return answer.outcome() == "Success" ? answer.value("ValidityIndicator") : answer.outcome();
  }
  static std::string given(const Certificate& certificate) {
    return structure("Certificate", x509() + bytes("CertificateValue", to_hex(certificate.der())));
  }

  crypto::SystemRandom random_;
  crypto::PrivateKey root_key_ = crypto::PrivateKey::generate_p256();
  Certificate root_;
  Certificate issuer_;
};

TEST_F(KmipCertificates, K21_WithoutAnIssuerNothingIsCertifiedNorOffered) {
  const auto key = make_pair(name_attribute("library-1"));
  const auto offered = [&] {
    const auto answer = ask(item("Query", enumeration("QueryFunction", "QueryOperations")));
    return answer.text().find("\"Certify\"") != std::string::npos;
  };
  EXPECT_FALSE(offered());
  const auto refused = ask(certify_item(key));
  EXPECT_EQ(refused.outcome(), "OperationNotSupported");
  EXPECT_NE(refused.value("ResultMessage").find("set-issuer"), std::string::npos) << refused.text();
  EXPECT_EQ(ask(item("ReCertify", named(key))).outcome(), "OperationNotSupported");
  ASSERT_TRUE(set_issuer());
  EXPECT_TRUE(offered());
  EXPECT_EQ(ask(certify_item(key)).outcome(), "Success");
}

TEST_F(KmipCertificates, K21_APublicKeyIsCertifiedAndLinked) {
  ASSERT_TRUE(set_issuer(30));
  const auto key = make_pair(name_attribute("library-1"));
  const auto id = certify(key, name_attribute("library-1 certificate"));
  const auto certificate = certificate_of(id);
  EXPECT_TRUE(certificate.signed_by(issuer_));
  EXPECT_FALSE(certificate.is_authority());
  EXPECT_EQ(certificate.common_name(), "library-1 certificate");
  EXPECT_LE(certificate.not_after(), now() + std::chrono::days(30));
  EXPECT_GT(certificate.not_after(), now() + std::chrono::days(29));
  const auto public_key = ask(item("Get", named(key) + enumeration("KeyFormatType", "X_509")));
  EXPECT_EQ(to_hex(crypto::spki_of(certificate)), public_key.value("KeyMaterial"));
  const auto of_certificate = ask(item("GetAttributes", named(id)));
  EXPECT_EQ(of_certificate.value("LinkType"), "PublicKeyLink");
  EXPECT_EQ(of_certificate.value("LinkedObjectIdentifier"), key);
  EXPECT_EQ(of_certificate.value("CertificateSubjectCN"), "library-1 certificate");
  EXPECT_EQ(of_certificate.value("CertificateIssuerCN"), "KMIP issuer");
  const auto of_key = ask(item("GetAttributes", named(key)));
  EXPECT_NE(of_key.text().find("CertificateLink"), std::string::npos) << of_key.text();
  // The new certificate is the placeholder.
  const auto batch = ask({certify_item(key, name_attribute("another")), item("Get", "", "02")});
  EXPECT_TRUE(batch.has("CertificateValue", 1)) << batch.text();
}

TEST_F(KmipCertificates, K21_ACertificateNamesWhomItsClientAsksFor) {
  ASSERT_TRUE(set_issuer());
  const auto key = make_pair();
  const auto id =
      certify(key, concat(text("CertificateSubjectCN", "library-1"), text("CertificateSubjectO", "Site"),
                          text("CertificateSubjectC", "DE")));
  EXPECT_EQ(certificate_of(id).subject(), "CN=library-1,O=Site,C=DE");
  // KMIP 1.4 gives the DER.
  const auto der = crypto::make_subject(std::vector<crypto::NamePart>{{"CN", "of 1.4"}}).value();
  const auto subject =
      structure("Attribute", text("AttributeName", "X.509 Certificate Subject") +
                                 structure("AttributeValue", bytes("SubjectDistinguishedName", to_hex(der))));
  const auto type = structure(
      "Attribute", text("AttributeName", "Certificate Type") + enumeration("AttributeValue", "X_509"));
  const auto in_1 =
      ask({item("Certify", named(key) + structure("TemplateAttribute", type + subject))}, {}, 1, 4);
  ASSERT_EQ(in_1.outcome(), "Success") << in_1.text();
  EXPECT_EQ(certificate_of(in_1.value("UniqueIdentifier")).common_name(), "of 1.4");
  EXPECT_EQ(ask(certify_item(key)).outcome(), "InvalidAttribute") << "nothing says whom";
  EXPECT_EQ(ask(certify_item(key, text("CertificateSubjectC", "Germany"))).outcome(),
            "InvalidAttributeValue");
}

TEST_F(KmipCertificates, K21_NoClientGetsWhatItCouldOpenTheSiteWith) {
  ASSERT_TRUE(set_issuer());
  const auto key = make_pair();
  for (const auto* unit : {"keyd", "Proxy"}) {
    EXPECT_EQ(ask(certify_item(key, text("CertificateSubjectCN", "x") + text("CertificateSubjectOU", unit)))
                  .outcome(),
              "PermissionDenied");
  }
  const auto signs = make_pair(name_attribute("ca"), "Verify CertificateSign");
  EXPECT_EQ(ask(certify_item(signs)).outcome(), "PermissionDenied") << "no authorities";
  EXPECT_FALSE(crypto::may_authenticate_tls(certificate_of(certify(key, text("CertificateSubjectCN", "x")))));
  EXPECT_EQ(ask(certify_item("00000000-0000-4000-8000-000000000000")).outcome(), "ObjectNotFound");
  const auto symmetric = register_key(kKey, "Encrypt");
  EXPECT_EQ(ask(certify_item(symmetric)).outcome(), "InvalidObjectType");
  ASSERT_EQ(ask(item("Destroy", named(key))).outcome(), "Success");
  EXPECT_EQ(ask(certify_item(key)).outcome(), "ObjectDestroyed");
}

TEST_F(KmipCertificates, K21_ACertificateRequestIsFollowedWhenItsKeySignedIt) {
  ASSERT_TRUE(set_issuer());
  const auto own = crypto::PrivateKey::generate_rsa(2048);
  crypto::CertificateSpec spec;
  spec.common_name = "library-2";
  const auto pem = crypto::make_certificate_request(spec, own).value();
  const auto request = [](std::string_view text_of_request, std::string_view type = "PEM") {
    return enumeration("CertificateRequestType", type) +
           bytes("CertificateRequestValue", to_hex(as_bytes(text_of_request)));
  };
  const auto answer =
      ask(item("Certify", request(pem) + structure("Attributes", name_attribute("conflicting"))));
  ASSERT_EQ(answer.outcome(), "Success") << answer.text();
  const auto certificate = certificate_of(answer.value("UniqueIdentifier"));
  EXPECT_EQ(certificate.common_name(), "library-2") << "the request comes before the attributes";
  EXPECT_EQ(crypto::spki_of(certificate), own.public_key().spki());
  EXPECT_EQ(ask(item("Certify", request("nothing"))).outcome(), "InvalidCSR");
  EXPECT_EQ(ask(item("Certify", request(pem, "CRMF"))).outcome(), "InvalidCSR");
  EXPECT_EQ(ask(item("Certify", enumeration("CertificateRequestType", "PEM"))).outcome(), "InvalidMessage");
  EXPECT_EQ(ask(item("Certify", named(make_pair()) + request(pem))).outcome(), "InvalidCSR")
      << "of another key";
  // From 2.0 on a request may be an object.
  const auto kept = ask(
      item("Register", concat(enumeration("ObjectType", "CertificateRequest"), structure("Attributes", ""),
                              structure("CertificateRequest", request(pem)))));
  ASSERT_EQ(kept.outcome(), "Success") << kept.text();
  EXPECT_EQ(ask(item("Certify", named(kept.value("UniqueIdentifier")))).outcome(), "Success");
}

TEST_F(KmipCertificates, K21_ACertificateIsRenewedForTheSameKey) {
  ASSERT_TRUE(set_issuer(30));
  const auto key = make_pair();
  const auto id = certify(key, name_attribute("library-1"));
  const auto before = certificate_of(id);
  server_.server().clock.advance(std::chrono::days(20));
  const auto answer = ask(item("ReCertify", named(id) + field("Offset", "Interval", "0")));
  ASSERT_EQ(answer.outcome(), "Success") << answer.text();
  const auto renewed = answer.value("UniqueIdentifier");
  const auto after = certificate_of(renewed);
  EXPECT_EQ(crypto::spki_of(after), crypto::spki_of(before));
  EXPECT_EQ(after.subject(), before.subject());
  EXPECT_NE(after.serial_hex(), before.serial_hex());
  EXPECT_GT(after.not_after(), before.not_after());
  EXPECT_EQ(
      ask(item("Locate", structure("Attributes", name_attribute("library-1")))).value("UniqueIdentifier"),
      renewed)
      << "the name passes on";
  const auto of_old = ask(item("GetAttributes", named(id) + enumeration("AttributeReference", "Link")));
  EXPECT_NE(of_old.text().find("ReplacementObjectLink"), std::string::npos) << of_old.text();
  EXPECT_EQ(ask(item("ReCertify", named(id))).outcome(), "PermissionDenied") << "it has a replacement";
  EXPECT_EQ(ask(item("ReCertify", named(key))).outcome(), "InvalidObjectType");
  const auto foreign = ask(item("Register", concat(enumeration("ObjectType", "Certificate"),
                                                   structure("Attributes", ""), given(root_))));
  ASSERT_EQ(foreign.outcome(), "Success") << foreign.text();
  EXPECT_EQ(ask(item("ReCertify", named(foreign.value("UniqueIdentifier")))).outcome(), "PermissionDenied");
}

TEST_F(KmipCertificates, K21_NothingOutlivesItsIssuerNorItsOwnersWish) {
  ASSERT_TRUE(set_issuer(365, std::chrono::days(10)));
  const auto key = make_pair(name_attribute("library-1"));
  EXPECT_EQ(certificate_of(certify(key)).not_after(), issuer_.not_after());
  server_.server().clock.advance(std::chrono::days(11));
  const auto late = ask(certify_item(key, name_attribute("late")));
  EXPECT_EQ(late.outcome(), "PermissionDenied") << late.text();
}

TEST_F(KmipCertificates, K21_AnIssuerIsTakenOnlyForAKeyThatWasMadeHere) {
  const keymgr::KmipIssuers issuers(server_.server().manager().context());
  const auto set = [&](const Certificate& certificate, std::int64_t days = 30) {
    return server_.server().write([&](store::Transaction& transaction) -> Status {
      TRY(issuers.set(transaction, keymgr::testing::officer(), certificate, days));
      return {};
    });
  };
  ASSERT_TRUE(set_issuer());
  EXPECT_FALSE(set(root_)) << "it could issue what opens connections";
  const auto stranger = crypto::PrivateKey::generate_p256();
  const auto subject = crypto::make_subject(std::vector<crypto::NamePart>{{"CN", "x"}}).value();
  const crypto::LeafSpec spec{subject, stranger.public_key().spki(), {}, now(), now() + std::chrono::days(9)};
  const auto foreign = set(crypto::issue_issuer(spec, root_, root_key_, random_).value());
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().field, "certificate");
  EXPECT_FALSE(set(crypto::issue_leaf(spec, root_, root_key_, random_).value()));
  EXPECT_FALSE(set(issuer_, 0));
  EXPECT_FALSE(set(issuer_, keymgr::kMostIssuedDays + 1));
  EXPECT_TRUE(set(issuer_, 7)) << "the same one, with other days";
  // A request that waits leaves the issuer as it is.
  EXPECT_TRUE(server_.server().write([&](store::Transaction& transaction) -> Status {
    TRY(issuers.request(transaction, keymgr::testing::officer(), "next"));
    return {};
  }));
  EXPECT_EQ(ask(certify_item(make_pair(name_attribute("library-1")))).outcome(), "Success");
  EXPECT_TRUE(server_.server().write([&](store::Transaction& transaction) {
    return issuers.remove(transaction, keymgr::testing::officer());
  }));
  EXPECT_EQ(ask(certify_item(make_pair())).outcome(), "OperationNotSupported");
}

TEST_F(KmipCertificates, K21_AChainIsValidatedAtADate) {
  ASSERT_TRUE(set_issuer(30));
  const auto id = certify(make_pair(), name_attribute("library-1"));
  const auto certificate = certificate_of(id);
  EXPECT_EQ(validity(named(id)), "Valid");
  EXPECT_EQ(validity(given(certificate) + given(issuer_)), "Valid") << "in any order";
  EXPECT_EQ(validity(given(issuer_) + named(id)), "Valid") << "given and kept ones together";
  EXPECT_EQ(validity(named(id) + field("ValidityDate", "DateTime", "2001-01-01T00:00:00+00:00")), "Invalid");
  EXPECT_EQ(validity(named(id) + field("ValidityDate", "DateTime", "0x7fffffffffffffff")), "Invalid");
  EXPECT_EQ(validity(given(root_)), "Unknown") << "no authority of this server";
  const auto other = crypto::PrivateKey::generate_p256();
  crypto::CertificateSpec spec;
  spec.common_name = "stranger";
  spec.not_before = now();
  spec.not_after = now() + std::chrono::days(1);
  const auto stranger = crypto::self_signed_certificate(spec, other, random_).value();
  EXPECT_EQ(validity(given(stranger)), "Unknown");
  EXPECT_EQ(validity(given(certificate) + given(stranger)), "Invalid") << "not one chain";
  EXPECT_EQ(validity(""), "InvalidMessage");
  EXPECT_EQ(validity(structure("Certificate", x509() + bytes("CertificateValue", "300300"))), "InvalidField");
  EXPECT_EQ(validity(named(register_key(kKey, "Encrypt"))), "InvalidObjectType");
  ASSERT_EQ(ask(item("Revoke", named(id) + structure("RevocationReason",
                                                     enumeration("RevocationReasonCode", "KeyCompromise"))))
                .outcome(),
            "Success");
  EXPECT_EQ(validity(named(id)), "Invalid") << "its owner withdrew it";
}

}  // namespace
}  // namespace tapewarden::conformance
