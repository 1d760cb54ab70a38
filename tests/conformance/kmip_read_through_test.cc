// What is not here comes from the old key server when it is asked for (K20): two servers in one process, the
// one the old one.
#include <atomic>
#include <future>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/real_env.h"
#include "base/testing/sim_env.h"
#include "kmip/client/old_server.h"
#include "kmip/tags.h"
#include "kmip_rules.h"

namespace tapewarden::conformance {
namespace {

using ::testing::HasSubstr;

constexpr std::chrono::seconds kALot{60};

// How the old server answers.
enum class Manner : std::uint8_t { kWell, kDown, kRefusesCertificate, kGarbage, kSilent, kNoAttributes };

std::string application_data(std::string_view data) {
  return structure("ApplicationSpecificInformation",
                   text("ApplicationNamespace", "LIBRARY-LTO6") + text("ApplicationData", data));
}
std::string alternative_name(std::string_view name) {
  return structure("AlternativeName", text("AlternativeNameValue", name) +
                                          enumeration("AlternativeNameType", "UninterpretedTextString"));
}
std::string locate_item(std::string_view attributes, std::string_view id = "01") {
  return item("Locate", structure("Attributes", attributes), id);
}
std::string revoked(std::string_view code) {
  return structure("RevocationReason", enumeration("RevocationReasonCode", code));
}

class KmipReadThrough : public KmipRules {
 protected:
  void SetUp() override { look("library"); }
  void TearDown() override {
    go_on();
    if (servers_) servers_->close();
    workers_.reset();
    server_.look_through(nullptr);
  }

  // What clients of that owner lack is looked for at the old server, which knows this one as its client.
  void look(const std::string& owner, kmip::Credential credential = {}) {
    kmip::OldServerOptions options;
    options.order.source = "old.example.org";
    options.order.there = std::move(credential);
    options.owner = owner;
    options.most_waiting = 2;
    server_.look_through(nullptr);
    workers_ = std::make_unique<ThreadPool>(2);
    servers_ = std::make_unique<kmip::OldServers>();
    servers_->add(std::make_unique<kmip::OldServer>(
        clock_, *workers_, [this](std::chrono::milliseconds) { return dial(); }, std::move(options)));
    server_.look_through(servers_.get());
  }

  Result<kmip::TimedExchange> dial() {
    ++dials_;
    if (manner_ == Manner::kDown) return fail(ErrorCode::kUnavailable, "connection refused");
    if (manner_ == Manner::kRefusesCertificate) return fail(ErrorCode::kUnauthenticated, "unknown CA");
    return
        [this](Bytes request, std::chrono::milliseconds limit) { return answer(std::move(request), limit); };
  }
  Result<Bytes> answer(Bytes request, std::chrono::milliseconds limit) {
    if (manner_ == Manner::kGarbage) return to_bytes("HTTP/1.1 400 Bad Request\r\n\r\n");
    if (manner_ == Manner::kSilent) {
      ++silent_;
      going_on_.wait_for(kALot);
      if (!answers_at_last_) return fail(ErrorCode::kTimeout, "no answer came in time");
    }
    const auto asked = ttlv::decode(request);
    const auto operation = asked->root().find(kmip::tag::kBatchItem)->find(kmip::tag::kOperation);
    const bool attributes =
        *operation->as_enumeration() == static_cast<std::uint32_t>(kmip::Operation::kGetAttributes);
    if (manner_ == Manner::kNoAttributes && attributes) return no_attributes();
    (void)limit;
    return old_.ask(std::move(request));
  }
  static Bytes no_attributes() {
    ttlv::Writer out;
    out.begin(kmip::tag::kResponseMessage).begin(kmip::tag::kBatchItem);
    out.add_enumeration(kmip::tag::kResultStatus, kmip::ResultStatus::kSuccess);
    out.begin(kmip::tag::kResponsePayload).add_text(kmip::tag::kUniqueIdentifier, "it").end();
    out.end().end();
    return out.take();
  }
  void go_on() {
    if (!went_on_) going_.set_value();
    went_on_ = true;
  }
  void wait_until_silent(int questions) {
    while (silent_ < questions) std::this_thread::yield();
  }

  Answer there(const std::string& one) { return Answer(old_.ask_xml(message({one}))); }
  std::string make_there(const std::string& one) {
    const auto answer = there(one);
    EXPECT_EQ(answer.outcome(), "Success") << answer.text();
    return answer.value("UniqueIdentifier");
  }
  Answer get(std::string_view id) { return ask(item("Get", named(id))); }
  std::string state_of(const std::string& id) {
    return ask(item("GetAttributes", named(id) + enumeration("AttributeReference", "State"))).value("State");
  }
  std::size_t recorded(const std::vector<std::string>& texts) { return server_.server().audit_count(texts); }
  kmip::OldServerState state() { return servers_->states().front(); }

  KmipServer old_;
  tapewarden::testing::SimClock clock_;  // of what is asked there
  std::atomic<Manner> manner_ = Manner::kWell;
  std::atomic<int> dials_ = 0;
  std::atomic<int> silent_ = 0;
  std::atomic<bool> answers_at_last_ = true;
  bool went_on_ = false;
  std::promise<void> going_;
  std::shared_future<void> going_on_ = going_.get_future().share();
  std::unique_ptr<ThreadPool> workers_;
  std::unique_ptr<kmip::OldServers> servers_;
};

TEST_F(KmipReadThrough, K20_WhatIsNotHereComesWhenItIsAskedFor) {
  const auto id = make_there(create_item(256, "Encrypt Decrypt", concat(active(), name_attribute("one"))));
  const auto got = get(id);
  ASSERT_EQ(got.outcome(), "Success") << got.text();
  EXPECT_EQ(got.value("KeyMaterial"), there(item("Get", named(id))).value("KeyMaterial"));
  EXPECT_EQ(state_of(id), "Active");
  EXPECT_EQ(located(name_attribute("one")), 1U);
  EXPECT_EQ(dials_, 1) << "what is here is not asked for again";
  EXPECT_EQ(recorded({"kmip.import", id, "old.example.org", "library"}), 1U);
  EXPECT_EQ(recorded({"kmip.get", "key_serving", id}), 1U);
  EXPECT_EQ(state().adopted, 1U);
  EXPECT_EQ(state().condition, kmip::OldServerCondition::kAnswering);
}

TEST_F(KmipReadThrough, K20_ALibrarysBatchFindsItsKeyAtTheOldServer) {
  const auto data = application_data("0123456789ABCDEF");
  const auto id = make_there(create_item(256, "Encrypt Decrypt", concat(active(), data)));
  const auto both = ask({locate_item(data), item("Get", "", "02")});
  EXPECT_EQ(both.outcome(0), "Success") << both.text();
  EXPECT_EQ(both.outcome(1), "Success") << both.text();
  EXPECT_EQ(both.value("UniqueIdentifier", 1), id);
  EXPECT_EQ(both.value("KeyMaterial", 1), there(item("Get", named(id))).value("KeyMaterial"));
  EXPECT_EQ(dials_, 1);
  const auto name = alternative_name("TAPE01L8");
  make_there(create_item(256, "Encrypt Decrypt", concat(active(), name)));
  const auto attributes = ask({locate_item(name), item("GetAttributes", "", "02")});
  EXPECT_EQ(attributes.outcome(1), "Success") << attributes.text();
  EXPECT_EQ(dials_, 2);
}

TEST_F(KmipReadThrough, K20_AMessageThatWritesFindsWhatComesToo) {
  const auto id = make_there(create_item(256, "Encrypt Decrypt", name_attribute("one")));
  const auto both = ask({locate_item(name_attribute("one")), item("Activate", "", "02")});
  EXPECT_EQ(both.outcome(1), "Success") << both.text();
  EXPECT_EQ(state_of(id), "Active");
  EXPECT_EQ(Answer(old_.ask_xml(message({item("GetAttributes", named(id))}))).value("State"), "PreActive")
      << "nothing is changed at the old server";
}

TEST_F(KmipReadThrough, K20_NobodyIsToldThatThereIsNoKeyWhileTheOldServerIsAway) {
  const auto id = make_there(create_item(256, "Encrypt", name_attribute("one")));
  const auto mine = register_key(kKey, "Encrypt", name_attribute("mine"));
  for (const auto manner : {Manner::kDown, Manner::kRefusesCertificate, Manner::kGarbage}) {
    manner_ = manner;
    const auto got = get(id);
    EXPECT_EQ(got.outcome(), "GeneralFailure") << got.text();
    EXPECT_THAT(got.value("ResultMessage"), HasSubstr("could not be asked"));
    EXPECT_EQ(ask(locate_item(name_attribute("one"))).outcome(), "GeneralFailure");
    EXPECT_EQ(ask({item("Get", named(id))}, "", 1, 0).outcome(), "GeneralFailure");
    EXPECT_EQ(ask({locate_item(name_attribute("one")), item("Get", "", "02")}).outcome(1), "");
    EXPECT_EQ(get(mine).outcome(), "Success") << "what is here is served";
    EXPECT_EQ(located(name_attribute("mine")), 1U);
    EXPECT_EQ(state().condition, kmip::OldServerCondition::kFailing);
    EXPECT_NE(state().last_error, "");
    clock_.advance(kALot);
  }
  EXPECT_EQ(dials_, 3) << "one question each time; the others failed at once";
  EXPECT_GE(recorded({"kmip.get", "GeneralFailure", "could not be asked"}), 3U);
  manner_ = Manner::kWell;
  EXPECT_EQ(get(id).outcome(), "Success") << "and when it is back, it is asked";
}

TEST_F(KmipReadThrough, K20_ASlowOldServerHoldsUpNobodyElse) {
  const auto id = make_there(create_item(256, "Encrypt", name_attribute("one")));
  const auto mine = register_key(kKey, "Encrypt");
  manner_ = Manner::kSilent;
  auto slow = std::async(std::launch::async, [&] { return get(id).outcome(); });
  auto same = std::async(std::launch::async, [&] { return get(id).outcome(); });
  wait_until_silent(1);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(get(mine).outcome(), "Success");
    register_key(kKek, "Encrypt");  // the writer is nobody's meanwhile
  }
  manner_ = Manner::kWell;
  go_on();
  EXPECT_EQ(slow.get(), "Success");
  EXPECT_EQ(same.get(), "Success");
  EXPECT_EQ(dials_, 1) << "both waited for one question";
}

TEST_F(KmipReadThrough, K20_FewQuestionsWaitForASlowOldServer) {
  manner_ = Manner::kSilent;
  answers_at_last_ = false;
  std::vector<std::future<std::string>> waiting;
  for (const auto* name : {"one", "two"}) {
    waiting.push_back(std::async(std::launch::async,
                                 [&, name] { return ask(locate_item(name_attribute(name))).outcome(); }));
  }
  wait_until_silent(2);
  const auto third = ask(locate_item(name_attribute("three")));
  EXPECT_EQ(third.outcome(), "GeneralFailure");
  EXPECT_THAT(third.value("ResultMessage"), HasSubstr("too many"));
  go_on();
  for (auto& one : waiting) EXPECT_EQ(one.get(), "GeneralFailure");
  EXPECT_EQ(state().waiting, 0U);
}

TEST_F(KmipReadThrough, K20_WhatTheOldServerHasNotIsNotAskedForAgainAtOnce) {
  const std::string nobodys = "7f0c2c3e-6a52-4a42-9a7e-0123456789ab";
  EXPECT_EQ(get(nobodys).outcome(), "ObjectNotFound");
  EXPECT_EQ(located(name_attribute("one")), 0U);
  EXPECT_EQ(dials_, 2);
  EXPECT_EQ(get(nobodys).outcome(), "ObjectNotFound");
  EXPECT_EQ(located(name_attribute("one")), 0U);
  EXPECT_EQ(dials_, 2);
  const auto id = make_there(create_item(256, "Encrypt", name_attribute("one")));
  clock_.advance(kALot);
  EXPECT_EQ(located(name_attribute("one")), 1U);
  EXPECT_EQ(get(id).outcome(), "Success");
  EXPECT_EQ(state().not_there, 2U);
}

TEST_F(KmipReadThrough, K20_TheLocatesThatNameNothingAreAnsweredFromHere) {
  make_there(create_item(256, "Encrypt", name_attribute("one")));
  EXPECT_EQ(located(enumeration("ObjectType", "SymmetricKey")), 0U);
  EXPECT_EQ(located(enumeration("CryptographicAlgorithm", "AES")), 0U);
  EXPECT_EQ(dials_, 0);
}

TEST_F(KmipReadThrough, K20_OfTwoKeysTheOldServerHasBothCome) {
  const auto name = alternative_name("TAPE01L8");
  make_there(create_item(256, "Encrypt", name));
  make_there(create_item(256, "Encrypt", name));
  const auto both = ask({locate_item(name), item("Get", "", "02")});
  EXPECT_EQ(both.outcome(0), "Success") << both.text();
  EXPECT_NE(both.outcome(1), "Success") << "which of the two nobody knows";
  EXPECT_EQ(located(name), 2U);
  for (int i = 0; i < 40; ++i) make_there(register_item(kKey, "Encrypt", alternative_name("TAPE02L8")));
  const auto many = ask(locate_item(alternative_name("TAPE02L8")));
  EXPECT_EQ(many.outcome(), "GeneralFailure") << "some of them would pass for all";
  EXPECT_THAT(many.value("ResultMessage"), HasSubstr("migrate kmip"));
}

TEST_F(KmipReadThrough, K20_WhatIsHereGoesBeforeWhatIsThere) {
  const auto name = alternative_name("TAPE01L8");
  make_there(create_item(256, "Encrypt", name));
  const auto mine = create(256, "Encrypt", name);
  const auto found = ask(locate_item(name));
  EXPECT_EQ(found.value("UniqueIdentifier"), mine);
  EXPECT_EQ(located(name), 1U);
  EXPECT_EQ(dials_, 0);
}

TEST_F(KmipReadThrough, K20_AKeyThatDoesNotComeIsNotSaidToBeMissing) {
  const auto pair = there(item(
      "CreateKeyPair",
      concat(structure("CommonAttributes",
                       enumeration("CryptographicAlgorithm", "EC") + number("CryptographicLength", 256)),
             structure("PrivateKeyAttributes",
                       concat(field("CryptographicUsageMask", "Integer", "Sign"), name_attribute("secret"))),
             structure("PublicKeyAttributes", field("CryptographicUsageMask", "Integer", "Verify")))));
  const auto secret = pair.value("PrivateKeyUniqueIdentifier");
  EXPECT_EQ(get(secret).outcome(), "GeneralFailure") << "the old server does not give it";
  EXPECT_EQ(ask(locate_item(name_attribute("secret"))).outcome(), "GeneralFailure");
  const auto id = make_there(create_item(256, "Encrypt", name_attribute("one")));
  manner_ = Manner::kNoAttributes;
  const auto bare = get(id);
  EXPECT_EQ(bare.outcome(), "GeneralFailure");
  EXPECT_THAT(bare.value("ResultMessage"), HasSubstr("Cryptographic Usage Mask"));
  EXPECT_EQ(recorded({"kmip.import", "failure", "old.example.org"}), 1U);
  EXPECT_EQ(state().refused, 3U);
  EXPECT_EQ(state().condition, kmip::OldServerCondition::kAnswering);
}

TEST_F(KmipReadThrough, K20_WhatWasDestroyedIsSaidToBe) {
  const auto lost = make_there(register_item(kKey, "Encrypt", name_attribute("lost")));
  ASSERT_EQ(there(item("Destroy", named(lost))).outcome(), "Success");
  EXPECT_EQ(get(lost).outcome(), "ObjectDestroyed") << "there";
  EXPECT_EQ(located(name_attribute("lost")), 0U);
  const auto id = make_there(register_item(kKey, "Encrypt", name_attribute("mine")));
  ASSERT_EQ(ask(item("Destroy", named(id))).outcome(), "Success");
  const int dials = dials_;
  EXPECT_EQ(get(id).outcome(), "ObjectDestroyed") << "here, and it does not come back";
  EXPECT_EQ(dials_, dials);
  EXPECT_EQ(located(name_attribute("mine")), 0U);
  EXPECT_EQ(there(item("Get", named(id))).outcome(), "Success");
}

TEST_F(KmipReadThrough, K20_AClientThatItIsNotMeantForGetsNothingFromThere) {
  const auto id = make_there(create_item(256, "Encrypt", name_attribute("one")));
  server_.register_client("stranger", Hash256{9});
  server_.show_certificate(Hash256{9});
  EXPECT_EQ(get(id).outcome(), "ObjectNotFound");
  EXPECT_EQ(located(name_attribute("one")), 0U);
  EXPECT_EQ(dials_, 0);
  server_.show_certificate(Hash256{7});
  EXPECT_EQ(get(id).outcome(), "Success");
  server_.show_certificate(Hash256{9});
  EXPECT_EQ(get(id).outcome(), "ObjectNotFound") << "nor what came for another";
}

TEST_F(KmipReadThrough, K20_ACertificateOutOfItsTimeStillReadsWhatIsThere) {
  const auto id = make_there(create_item(256, "Encrypt", active()));
  server_.let_certificate_expire();
  EXPECT_EQ(get(id).outcome(), "Success");
  EXPECT_EQ(ask(item("Revoke", named(id) + revoked("KeyCompromise"))).outcome(), "PermissionDenied");
}

// Of what came nothing is lost with the answer, and nothing came by half.
class LostAnswers final : public kmip::ReadThrough {
 public:
  explicit LostAnswers(kmip::ReadThrough& to) : to_(to) {}
  std::string source_of(std::string_view owner) const override { return to_.source_of(owner); }
  void bring(std::string_view owner, kmip::SoughtObject sought, kmip::Exchange here, Done) override {
    // The first message that changes something is the last one that is carried out.
    const auto cut = [here = std::move(here),
                      over = std::make_shared<bool>()](Bytes request) -> Result<Bytes> {
      if (*over) return fail(ErrorCode::kIo, "the server was killed");
      const auto document = ttlv::decode(request);
      const auto operation = document->root().find(kmip::tag::kBatchItem)->find(kmip::tag::kOperation);
      *over = *operation->as_enumeration() == static_cast<std::uint32_t>(kmip::Operation::kImport);
      return here(std::move(request));
    };
    std::promise<void> ended;
    to_.bring(owner, std::move(sought), cut, [&](const std::optional<Error>&) { ended.set_value(); });
    ended.get_future().wait();
  }

 private:
  kmip::ReadThrough& to_;
};

TEST_F(KmipReadThrough, K20_KilledBeforeTheAnswerTheKeyIsHereWithItsState) {
  const auto id = make_there(register_item(kKey, "Encrypt", active()));
  ASSERT_EQ(there(item("Revoke", named(id) + revoked("KeyCompromise"))).outcome(), "Success");
  LostAnswers lost(*servers_);
  server_.look_through(&lost);
  server_.send(message({item("Get", named(id))}));
  server_.look_through(servers_.get());
  manner_ = Manner::kDown;
  EXPECT_EQ(get(id).outcome(), "Success");
  EXPECT_EQ(state_of(id), "Compromised");
  EXPECT_EQ(dials_, 1);
}

TEST_F(KmipReadThrough, K20_TheOldServerIsShownAUserAndAPassword) {
  const auto id = make_there(create_item(256, "Encrypt"));
  old_.require_password("a long passphrase");
  const auto without = get(id);
  EXPECT_EQ(without.outcome(), "GeneralFailure") << without.text();
  clock_.advance(kALot);
  TearDown();
  look("library", {"robot", crypto::SecretBytes::copy_of(as_bytes(std::string_view("a long passphrase")))});
  EXPECT_EQ(get(id).outcome(), "Success");
}

TEST_F(KmipReadThrough, K20_APasswordOrATicketIsUsedOnceForAMessageThatWaits) {
  server_.require_password("a long passphrase");
  const auto id = make_there(create_item(256, "Encrypt"));
  const auto credential = [](std::string_view type, std::string_view value) {
    return structure("Authentication", structure("Credential", concat(enumeration("CredentialType", type),
                                                                      structure("CredentialValue", value))));
  };
  const auto password =
      credential("UsernameAndPassword", text("Username", "robot") + text("Password", "a long passphrase"));
  const auto login = ask({item("Login", number("RequestCount", 1))}, password);
  const auto got = ask({item("Get", named(id))}, credential("Ticket", login.xml("Ticket")));
  EXPECT_EQ(got.outcome(), "Success") << got.text();
  EXPECT_EQ(recorded({"kmip.import", id}), 1U);
}

}  // namespace
}  // namespace tapewarden::conformance
