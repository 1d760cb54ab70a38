// K1 and K11: who is served at all. Every refusal has its EKM code and its row in the audit record, and the
// server goes on serving.
#include <algorithm>
#include <functional>

#include "integration/running_site.h"

namespace tapewarden::testing {
namespace {

using dkx::DriveKind;
using dkx::Intent;

class KeydRefusals : public RunningSite {
 protected:
  static void SetUpTestSuite() {
    RunningSite::SetUpTestSuite();
    if (site_ == nullptr) return;
    ASSERT_TRUE(make_group("REFUSALS", 60).has_value());
    ASSERT_TRUE(rest().put("/v1/groups/REFUSALS/default").has_value());
  }

  // Serves one good write, on a connection of its own.
  static void expect_alive(const TestDrive& drive) {
    auto link = DriveLink::connect(site(), Which::kPrimary);
    TW_ASSERT_OK(link);
    const auto served = link->serve(drive, drive.write());
    EXPECT_TRUE(served.has_value()) << served.error().text();
  }

  // Runs `attack`, and expects the code in the answer and in the audit record.
  static void expect_refused(const TestDrive& drive, const std::string& code,
                             const std::function<Result<dkx::AnswerBody>(DriveLink&)>& attack) {
    auto watch = AuditWatch::begin(rest());
    TW_ASSERT_OK(watch);
    auto link = DriveLink::connect(site(), Which::kPrimary);
    TW_ASSERT_OK(link);
    EXPECT_EQ(code_of(attack(*link)), code);
    bool found = false;
    EXPECT_TRUE(eventually([&] {
      found = watch->saw({"\"" + code + "\"", "\"outcome\":\"failure\""}).value_or(false);
      return found;
    })) << "no audit row with "
        << code;
    expect_alive(drive);
  }
};

TEST_F(KeydRefusals, K1_UnknownDriveWaitsAsPendingAndIsServedAfterAccept) {
  const auto drive = TestDrive::make(site(), "K1UNKNOWN001", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  auto link = DriveLink::connect(site(), Which::kPrimary);
  TW_ASSERT_OK(link);
  auto watch = AuditWatch::begin(rest());
  TW_ASSERT_OK(watch);

  dkx::KeyRequest first = drive->write();
  first.drive.enrolment = drive->enrolment();
  const auto refused = link->ask(*drive, first);
  EXPECT_EQ(code_of(refused), "EF01");
  ASSERT_TRUE(refused.has_value() && std::holds_alternative<dkx::Refusal>(*refused));
  EXPECT_EQ(std::get<dkx::Refusal>(*refused).retry, dkx::RetryReason::kWaitingForOperator);
  EXPECT_FALSE(std::get<dkx::Refusal>(*refused).action.empty());
  const auto saw_refusal = watch->saw({"key.refuse", "EF01", "K1UNKNOWN001"});
  EXPECT_TRUE(saw_refusal.value_or(false));

  const auto pending = rest().get("/v1/drives?state=pending");
  TW_ASSERT_OK(pending);
  EXPECT_NE(json::serialize(*pending).find("K1UNKNOWN001"), std::string::npos);
  EXPECT_EQ(code_of(link->ask(*drive, drive->write())), "EF01") << "pending is not accepted";

  const std::string identity = to_hex(drive->identity().key.public_key().spki_hash());
  EXPECT_FALSE(
      rest()
          .post("/v1/drives/K1UNKNOWN001/accept", json::object{{"expected_identity", std::string(64, '0')}})
          .has_value())
      << "another identity than the operator compared must not be accepted";
  const auto accepted =
      rest().post("/v1/drives/K1UNKNOWN001/accept", json::object{{"expected_identity", identity}});
  TW_ASSERT_OK(accepted);
  const auto served = link->serve(*drive, drive->write());
  TW_ASSERT_OK(served);
  EXPECT_TRUE(watch->saw({"key.serve", "K1UNKNOWN001", "\"outcome\":\"success\""}).value_or(false));

  // The drive table is one on both servers.
  auto other = DriveLink::connect(site(), Which::kSecondary);
  TW_ASSERT_OK(other);
  const auto read = other->serve(*drive, drive->again(Intent::kRead, *served));
  TW_ASSERT_OK(read);
  EXPECT_TRUE(read->data_key == served->data_key);
}

TEST_F(KeydRefusals, K11_ReplayedRequestIsRefused) {
  const auto drive = enrolled_drive("K11REPLAY001", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  expect_refused(*drive, "EE29", [&](DriveLink& link) -> Result<dkx::AnswerBody> {
    const auto envelope = drive->sign(TRY(link.prepare(drive->write())), link.next_id());
    EXPECT_EQ(code_of(link.exchange(envelope)), "served");
    return link.exchange(envelope);
  });
}

TEST_F(KeydRefusals, K11_UsedNonceInANewlySignedRequestIsRefused) {
  const auto drive = enrolled_drive("K11NONCE0001", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  expect_refused(*drive, "EE29", [&](DriveLink& link) -> Result<dkx::AnswerBody> {
    const auto first = TRY(link.prepare(drive->write()));
    EXPECT_EQ(code_of(link.exchange(drive->sign(first, link.next_id()))), "served");
    dkx::KeyRequest second = drive->write();
    second.nonce = first.nonce;
    second.binding = first.binding;
    return link.exchange(drive->sign(second, link.next_id()));
  });
}

TEST_F(KeydRefusals, K11_RefusedRequestUsesItsNonceUp) {
  const auto drive = enrolled_drive("K11NONCE0002", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  expect_refused(*drive, "EE29", [&](DriveLink& link) -> Result<dkx::AnswerBody> {
    auto forged = drive->sign(TRY(link.prepare(drive->write())), link.next_id());
    const auto good = forged;
    forged.signature.back() ^= 1;
    EXPECT_EQ(code_of(link.exchange(forged)), "EE29");
    return link.exchange(good);
  });
}

TEST_F(KeydRefusals, K11_WrongSignatureIsRefused) {
  const auto drive = enrolled_drive("K11SIGN00001", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  expect_refused(*drive, "EE29", [&](DriveLink& link) -> Result<dkx::AnswerBody> {
    auto envelope = drive->sign(TRY(link.prepare(drive->write())), link.next_id());
    envelope.signature.back() ^= 1;
    return link.exchange(envelope);
  });
}

TEST_F(KeydRefusals, K11_BodyChangedAfterSigningIsRefused) {
  const auto drive = enrolled_drive("K11SIGN00002", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  expect_refused(*drive, "EE29", [&](DriveLink& link) -> Result<dkx::AnswerBody> {
    dkx::KeyRequest request = TRY(link.prepare(drive->write()));
    auto envelope = drive->sign(request, link.next_id());
    request.volser = "OTHER1";
    envelope.body = dkx::encode(request);
    return link.exchange(envelope);
  });
}

TEST_F(KeydRefusals, K11_SignatureByAnotherKeyIsRefused) {
  const auto drive = enrolled_drive("K11KEY000001", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  const auto stranger = crypto::PrivateKey::generate_p256();
  expect_refused(*drive, "EE29", [&](DriveLink& link) -> Result<dkx::AnswerBody> {
    const auto request = TRY(link.prepare(drive->write()));
    return link.exchange(dkx::sign_request(link.next_id(), dkx::encode(request), dkx::SignerKind::kDrive,
                                           stranger, &drive->identity().certificate));
  });
}

TEST_F(KeydRefusals, K11_AnotherDrivesIdentityIsRefused) {
  const auto drive = enrolled_drive("K11IDENT0001", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  const auto other = enrolled_drive("K11IDENT0002", DriveKind::kLto);
  TW_ASSERT_OK(other);
  expect_refused(*drive, "EE2B", [&](DriveLink& link) { return link.ask(*other, drive->write()); });
}

TEST_F(KeydRefusals, K11_ProxyMayNotSpeakForADriveWithItsOwnIdentity) {
  const auto drive = enrolled_drive("K11PROXY0001", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  const auto engine = net::read_tls_files(
      site().disk(), {site().path("engine/tls/client.crt"), site().path("engine/tls/client.key"), ""});
  TW_ASSERT_OK(engine);
  expect_refused(*drive, "EE2B", [&](DriveLink& link) -> Result<dkx::AnswerBody> {
    const auto request = TRY(link.prepare(drive->write()));
    return link.exchange(dkx::sign_request(link.next_id(), dkx::encode(request), dkx::SignerKind::kProxy,
                                           engine->key, nullptr));
  });
}

TEST_F(KeydRefusals, K11_RequestBoundToAnotherConnectionIsRefused) {
  const auto drive = enrolled_drive("K11BIND00001", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  auto other = DriveLink::connect(site(), Which::kPrimary);
  TW_ASSERT_OK(other);
  expect_refused(*drive, "EE29", [&](DriveLink& link) -> Result<dkx::AnswerBody> {
    dkx::KeyRequest request = TRY(link.prepare(drive->write()));
    request.binding = other->binding();
    return link.exchange(drive->sign(request, link.next_id()));
  });
  // The nonce of one connection is none on another.
  expect_refused(*drive, "EE29", [&](DriveLink& link) -> Result<dkx::AnswerBody> {
    dkx::KeyRequest request = TRY(link.prepare(drive->write()));
    request.nonce = TRY(other->take_nonce());
    return link.exchange(drive->sign(request, link.next_id()));
  });
}

TEST_F(KeydRefusals, K11_ExpiredDriveCertificateReadsButDoesNotWrite) {
  auto drive = enrolled_drive("K11EXPIRED01", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  const TestDrive fresh = *drive;
  auto link = DriveLink::connect(site(), Which::kPrimary);
  TW_ASSERT_OK(link);
  const auto written = link->serve(*drive, drive->write());
  TW_ASSERT_OK(written);
  const auto expired = issue(site(), drive->serial(), "drive", drive->identity().key.public_key(), -30, -1);
  TW_ASSERT_OK(expired);
  drive->set_certificate(*expired);
  expect_refused(fresh, "EE2B", [&](DriveLink& own) { return own.ask(*drive, drive->write()); });
  expect_refused(fresh, "EE2B",
                 [&](DriveLink& own) { return own.ask(*drive, drive->again(Intent::kAppend, *written)); });
  const auto read = link->serve(*drive, drive->again(Intent::kRead, *written));
  TW_ASSERT_OK(read);
  EXPECT_TRUE(read->data_key == written->data_key);

  // The same with the expired certificate on the connection itself.
  auto own = DriveLink::connect(site(), Which::kPrimary, &drive->identity());
  TW_ASSERT_OK(own);
  const auto direct = own->serve(*drive, drive->again(Intent::kRead, *written));
  TW_ASSERT_OK(direct);
  EXPECT_TRUE(direct->data_key == written->data_key);
  EXPECT_EQ(code_of(own->ask(*drive, drive->write())), "EE2B");
}

TEST_F(KeydRefusals, K11_CertificateThatADriveMakesItselfDoesNotProlongThePinnedOne) {
  auto drive = TestDrive::make(site(), "K11EXPIRED02", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  const auto expired = issue(site(), drive->serial(), "drive", drive->identity().key.public_key(), -30, -1);
  TW_ASSERT_OK(expired);
  drive->set_certificate(*expired);
  TW_EXPECT_OK(drive->enrol(rest()));
  crypto::CertificateSpec spec;
  spec.common_name = drive->serial();
  spec.not_before = expired->not_before();
  spec.not_after = expired->not_after() + std::chrono::hours{24 * 1000};
  const auto own = crypto::self_signed_certificate(spec, drive->identity().key, site().random());
  TW_ASSERT_OK(own);
  drive->set_certificate(*own);
  auto link = DriveLink::connect(site(), Which::kPrimary);
  TW_ASSERT_OK(link);
  EXPECT_EQ(code_of(link->ask(*drive, drive->write())), "EE2B");
  // Pinning a new certificate renews it.
  TW_EXPECT_OK(rest().patch("/v1/drives/K11EXPIRED02", json::object{{"certificate", own->pem()}}));
  EXPECT_EQ(code_of(link->serve(*drive, drive->write())), "served");
}

TEST_F(KeydRefusals, K11_DriveOnItsOwnConnectionIsServed) {
  const auto drive = enrolled_drive("K11DIRECT001", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  auto link = DriveLink::connect(site(), Which::kPrimary, &drive->identity());
  TW_ASSERT_OK(link);
  EXPECT_EQ(code_of(link->serve(*drive, drive->write())), "served");
}

TEST_F(KeydRefusals, K11_CertificateThatIsNoDrivesAndNoProxysIsRefused) {
  const auto drive = enrolled_drive("K11UNIT00001", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  Identity other{{}, crypto::PrivateKey::generate_p256()};
  const auto certificate = issue(site(), "printer", "office", other.key.public_key());
  TW_ASSERT_OK(certificate);
  other.certificate = *certificate;
  auto watch = AuditWatch::begin(rest());
  TW_ASSERT_OK(watch);
  // Not even greeted.
  EXPECT_EQ(code_of(DriveLink::connect(site(), Which::kPrimary, &other)), "EE30");
  // The record is durable before the answer leaves.
  EXPECT_TRUE(watch->saw({"dkx.hello", "\"EE30\"", "\"outcome\":\"failure\"", "printer", "certificate.OU"})
                  .value_or(false));
  expect_alive(*drive);
}

TEST_F(KeydRefusals, K11_WrongWrappingKeyIsRefused) {
  const auto drive = enrolled_drive("K11WRAP00001", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  expect_refused(*drive, "EE2B", [&](DriveLink& link) {
    dkx::KeyRequest request = drive->write();
    request.drive.wrapping_key[0] ^= 1;
    return link.ask(*drive, request);
  });
}

TEST_F(KeydRefusals, K11_MessageCutInsideItsFrameIsRefused) {
  const auto drive = enrolled_drive("K11CUT000001", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  expect_refused(*drive, "EE02", [&](DriveLink& link) -> Result<dkx::AnswerBody> {
    Bytes message = dkx::encode(drive->sign(TRY(link.prepare(drive->write())), link.next_id()));
    message.resize(message.size() - 16);
    ByteWriter header;
    header.bytes(ByteView(message).first(4)).u32(static_cast<std::uint32_t>(message.size() - 8));
    copy_bytes(message, header.view());
    return link.send_raw(std::move(message));
  });
}

// The rest may still come, so no answer and no record are due; neither is a key.
TEST_F(KeydRefusals, K11_MessageThatStopsHalfWayGetsNoKeyAndHarmsNobody) {
  const auto drive = enrolled_drive("K11CUT000002", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  const auto other = enrolled_drive("K11CUT000003", DriveKind::kLto);
  TW_ASSERT_OK(other);
  const auto used = [] {
    const auto group = rest().get("/v1/groups/REFUSALS");
    return group ? group->at("used").as_int64() : std::int64_t{-1};
  };
  const auto before = used();
  ASSERT_GE(before, 0);
  auto watch = AuditWatch::begin(rest());
  TW_ASSERT_OK(watch);
  const std::size_t whole = dkx::encode(drive->sign(drive->write(), 1)).size();
  std::vector<DriveLink> held;  // connections that stay open, the message never finished
  for (const std::size_t kept :
       {std::size_t{1}, std::size_t{4}, std::size_t{8}, std::size_t{9}, std::size_t{100}, whole - 1}) {
    for (const bool keep : {false, true}) {
      auto link = DriveLink::connect(site(), Which::kPrimary);
      TW_ASSERT_OK(link);
      const auto request = link->prepare(drive->write());
      TW_ASSERT_OK(request);
      Bytes message = dkx::encode(drive->sign(*request, link->next_id()));
      message.resize(std::min(kept, message.size() - 1));
      link->raw().send(std::move(message));
      if (keep) held.push_back(std::move(*link));
    }
  }
  expect_alive(*other);
  for (auto& link : held) {
    const auto answer = link.raw().receive(std::chrono::milliseconds{1});
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().code, ErrorCode::kTimeout)
        << "neither answered nor ended: " << answer.error().text();
  }
  EXPECT_EQ(used(), before + 1) << "the one of the other drive";
  const auto records = watch->fresh();
  TW_ASSERT_OK(records);
  for (const auto& record : *records) EXPECT_EQ(record.find("K11CUT000002"), std::string::npos) << record;
  expect_alive(*drive);
}

TEST_F(KeydRefusals, K11_OversizedMessageIsRefused) {
  const auto drive = enrolled_drive("K11BIG000001", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  for (const std::uint32_t length : {65'536U, 1U << 20, 0xFFFFFFF8U}) {
    expect_refused(*drive, "EE02", [&](DriveLink& link) {
      ByteWriter header;
      header.u24(0x540001).u8(1).u32(length);
      return link.send_raw(header.take());
    });
  }
}

TEST_F(KeydRefusals, K11_GarbageIsRefused) {
  const auto drive = enrolled_drive("K11GARBAGE01", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  expect_refused(*drive, "EE02", [&](DriveLink& link) { return link.send_raw(Bytes(64, 0x00)); });
  expect_refused(*drive, "EE02", [&](DriveLink& link) { return link.send_raw(Bytes(64, 0xFF)); });
  expect_refused(*drive, "EE02", [&](DriveLink& link) {
    return link.send_raw(to_bytes("GET / HTTP/1.1\r\nHost: keys\r\n\r\n"));
  });
  // A frame of the right size with nothing sensible in it.
  expect_refused(*drive, "EE02", [&](DriveLink& link) {
    Bytes body(128, 0);
    site().random().fill(body);
    ByteWriter message;
    message.u24(0x540001).u8(1).u32(128).bytes(body);
    return link.send_raw(message.take());
  });
}

TEST_F(KeydRefusals, K11_EverySingleByteChangedIsRefusedOrHarmless) {
  const auto drive = enrolled_drive("K11FLIP00001", DriveKind::kLto);
  TW_ASSERT_OK(drive);
  auto link = DriveLink::connect(site(), Which::kPrimary);
  TW_ASSERT_OK(link);
  const auto written = link->serve(*drive, drive->write());
  TW_ASSERT_OK(written);
  const Bytes certificate = drive->identity().certificate.der();
  std::size_t refused = 0;
  std::size_t tried = 0;
  const std::size_t size = dkx::encode(drive->sign(drive->again(Intent::kRead, *written), 1)).size();
  for (std::size_t at = 8; at < size; at += 7) {
    auto own = DriveLink::connect(site(), Which::kPrimary);
    TW_ASSERT_OK(own);
    const auto request = own->prepare(drive->again(Intent::kRead, *written));
    TW_ASSERT_OK(request);
    Bytes message = dkx::encode(drive->sign(*request, own->next_id()));
    if (at >= message.size()) break;
    const auto place = std::ranges::search(message, certificate);
    const auto certificate_begin = static_cast<std::size_t>(place.begin() - message.begin());
    const auto certificate_end = static_cast<std::size_t>(place.end() - message.begin());
    message[at] ^= 0x40;
    own->raw().send(std::move(message));
    const auto bytes = own->raw().receive(std::chrono::seconds{20});
    ++tried;
    if (!bytes) continue;  // the connection was ended
    const auto answer = dkx::decode_answer_envelope(*bytes);
    TW_ASSERT_OK(answer);
    const auto body = dkx::decode_answer_body(answer->body);
    TW_ASSERT_OK(body);
    if (std::holds_alternative<dkx::Refusal>(*body)) {
      ++refused;
      continue;
    }
    // Outside what is signed are the message id and the certificate; of the latter the key alone counts,
    // which is pinned.
    EXPECT_TRUE(answer->message_id != 2U || (at >= certificate_begin && at < certificate_end))
        << "offset " << at;
  }
  EXPECT_GT(refused, 10U);
  std::printf("changed messages: %zu, refused by an answer: %zu\n", tried, refused);
  expect_alive(*drive);
}

}  // namespace
}  // namespace tapewarden::testing
