#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/chap.h"
#include "iscsi/server_config.h"
#include "iscsi/testing/bench.h"

namespace tapewarden::iscsi {
namespace {

using testing::Bench;
using testing::kInitiatorName;
using testing::kTargetName;

const std::string kSecret = "a-secret-of-length";
const std::string kOtherSecret = "the-target-has-this";

ServerConfig with_chap(bool mutual, bool allow_md5 = true) {
  auto config = Bench::default_config();
  auto& authentication = config.targets.front().authentication;
  authentication.initiators.push_back({"host", crypto::SecretBytes::copy_of(as_bytes(kSecret))});
  authentication.allow_md5 = allow_md5;
  if (mutual)
    authentication.target = ChapAccount{"library", crypto::SecretBytes::copy_of(as_bytes(kOtherSecret))};
  return config;
}

// --- keys ---

struct Exchange {
  std::string key;
  std::string offered;
  std::string answered;  // empty: no answer
};

class IscsiKeys : public ::testing::TestWithParam<Exchange> {};

TEST_P(IscsiKeys, L1_EachKeyIsAnsweredByItsRule) {
  Negotiation negotiation(
      {.max_segment = 1U << 20, .max_burst = 4U << 20, .first_burst = 1U << 20, .max_outstanding_r2t = 8});
  Text out;
  const auto& [key, offered, answered] = GetParam();
  ASSERT_TRUE(negotiation.answer({key, offered}, false, out).has_value());
  const auto* answer = out.find(key);
  EXPECT_EQ(answer == nullptr ? "" : *answer, answered);
}

INSTANTIATE_TEST_SUITE_P(
    Table, IscsiKeys,
    ::testing::Values(
        Exchange{"HeaderDigest", "CRC32C,None", "CRC32C"}, Exchange{"HeaderDigest", "None,CRC32C", "None"},
        Exchange{"DataDigest", "X-mine,CRC32C", "CRC32C"}, Exchange{"DataDigest", "X-mine", "Reject"},
        Exchange{"MaxConnections", "8", "1"}, Exchange{"MaxConnections", "0", "Reject"},
        Exchange{"InitialR2T", "No", "No"}, Exchange{"InitialR2T", "Yes", "Yes"},
        Exchange{"InitialR2T", "yes", "Reject"}, Exchange{"ImmediateData", "Yes", "Yes"},
        Exchange{"ImmediateData", "No", "No"}, Exchange{"MaxRecvDataSegmentLength", "262144", ""},
        Exchange{"MaxRecvDataSegmentLength", "100", "Reject"},
        Exchange{"MaxBurstLength", "16776192", "4194304"}, Exchange{"MaxBurstLength", "0x10000", "65536"},
        Exchange{"MaxBurstLength", "511", "Reject"}, Exchange{"FirstBurstLength", "262144", "262144"},
        Exchange{"FirstBurstLength", "words", "Reject"}, Exchange{"DefaultTime2Wait", "2", "2"},
        Exchange{"DefaultTime2Wait", "3601", "Reject"}, Exchange{"DefaultTime2Retain", "20", "0"},
        Exchange{"MaxOutstandingR2T", "1", "1"}, Exchange{"MaxOutstandingR2T", "64", "8"},
        Exchange{"DataPDUInOrder", "No", "Yes"}, Exchange{"DataSequenceInOrder", "No", "Yes"},
        Exchange{"ErrorRecoveryLevel", "2", "0"}, Exchange{"ErrorRecoveryLevel", "3", "Reject"},
        Exchange{"TaskReporting", "FastAbort", "Reject"}, Exchange{"iSCSIProtocolLevel", "2", "1"},
        Exchange{"IFMarker", "Yes", "No"}, Exchange{"OFMarkInt", "2048", "Reject"},
        Exchange{"InitiatorAlias", "host", ""}, Exchange{"X-com.example.key", "1", "NotUnderstood"},
        Exchange{"RDMAExtensions", "No", "NotUnderstood"},
        Exchange{"X-com.example.key", "NotUnderstood", ""}));

TEST(IscsiNegotiation, L1_WhatIsNotNegotiatedHasTheStandardsDefaults) {
  Negotiation negotiation({});
  EXPECT_EQ(negotiation.agreed(), Agreed{});
  Text out;
  ASSERT_TRUE(negotiation.answer({"MaxBurstLength", "4096"}, false, out).has_value());
  EXPECT_EQ(negotiation.agreed().max_burst, 4096U);
  EXPECT_EQ(negotiation.agreed().first_burst, 4096U) << "never beyond MaxBurstLength";
  EXPECT_FALSE(negotiation.answer({"MaxBurstLength", "8192"}, false, out).has_value()) << "twice";
}

TEST(IscsiNegotiation, L1_AfterTheLoginOnlyDeclarationsAreTaken) {
  Negotiation negotiation({});
  Text out;
  ASSERT_TRUE(negotiation.answer({"MaxRecvDataSegmentLength", "4096"}, true, out).has_value());
  ASSERT_TRUE(negotiation.answer({"MaxBurstLength", "4096"}, true, out).has_value());
  EXPECT_EQ(negotiation.agreed().their_max_segment, 4096U);
  EXPECT_EQ(negotiation.agreed().max_burst, Agreed{}.max_burst);
  EXPECT_EQ(*out.find("MaxBurstLength"), "Reject");
}

// --- logins without CHAP ---

TEST(IscsiLogin, L1_OneRequestIsEnough) {
  Bench bench;
  const auto answer = bench.login({{"HeaderDigest", "None"}, {"MaxBurstLength", "262144"}});
  EXPECT_EQ(answer.status, LoginStatus::kSuccess);
  EXPECT_TRUE(answer.transit);
  EXPECT_EQ(answer.next, Stage::kFullFeature);
  EXPECT_NE(answer.tsih, 0);
  EXPECT_EQ(answer.exp_cmd_sn, bench.cmd_sn);
  EXPECT_EQ(*bench.login_text().find("TargetPortalGroupTag"), "1");
  EXPECT_EQ(*bench.login_text().find("TargetAlias"), "a target");
  EXPECT_EQ(*bench.login_text().find("MaxRecvDataSegmentLength"), "1048576");
  EXPECT_TRUE(bench.endpoint().in_session());
}

TEST(IscsiLogin, L1_SecurityThenOperational) {
  Bench bench;
  const auto first = bench.login_step(
      {.transit = true, .current = Stage::kSecurity, .next = Stage::kOperational},
      {{"InitiatorName", kInitiatorName}, {"TargetName", kTargetName}, {"AuthMethod", "CHAP,None"}});
  EXPECT_EQ(first.status, LoginStatus::kSuccess);
  EXPECT_EQ(first.next, Stage::kOperational);
  EXPECT_EQ(*bench.login_text().find("AuthMethod"), "None");
  const auto last =
      bench.login_step({.transit = true, .current = Stage::kOperational, .next = Stage::kFullFeature},
                       {{"ImmediateData", "Yes"}});
  EXPECT_EQ(last.next, Stage::kFullFeature);
  EXPECT_EQ(bench.login_text().find("TargetPortalGroupTag"), nullptr) << "told once";
  EXPECT_TRUE(bench.endpoint().in_session());
}

TEST(IscsiLogin, L1_TextMayGoOnInTheNextRequest) {
  Bench bench;
  LoginRequest request{.more_text = true, .current = Stage::kOperational};
  request.task_tag = 77;
  ASSERT_TRUE(
      bench.feed(encode_pdu(request.encode(), as_bytes("InitiatorName=" + kInitiatorName.substr(0, 9))))
          .has_value());
  const auto part = bench.one();
  EXPECT_TRUE(part.data.empty());
  EXPECT_FALSE(LoginResponse::decode(part.header).transit);
  request.more_text = false;
  request.transit = true;
  request.next = Stage::kFullFeature;
  const auto rest = kInitiatorName.substr(9) + '\0' + "TargetName=" + kTargetName + '\0';
  ASSERT_TRUE(bench.feed(encode_pdu(request.encode(), as_bytes(rest))).has_value());
  EXPECT_EQ(LoginResponse::decode(bench.one().header).status, LoginStatus::kSuccess);
  EXPECT_EQ(bench.outcome->initiator, kInitiatorName);
}

struct Refusal {
  std::string name;
  std::vector<KeyValue> keys;
  LoginStatus status;
};

class IscsiLoginRefused : public ::testing::TestWithParam<Refusal> {};

TEST_P(IscsiLoginRefused, L1_AndTheConnectionEnds) {
  auto config = Bench::default_config();
  config.targets.front().allowed_initiators = {kInitiatorName};
  Bench bench(std::move(config));
  const auto answer = bench.login_step(
      {.transit = true, .current = Stage::kOperational, .next = Stage::kFullFeature}, GetParam().keys);
  EXPECT_EQ(answer.status, GetParam().status);
  EXPECT_FALSE(answer.transit);
  EXPECT_TRUE(bench.ended.has_value());
  EXPECT_TRUE(bench.refused.has_value());
  EXPECT_FALSE(bench.endpoint().in_session());
}

INSTANTIATE_TEST_SUITE_P(
    Table, IscsiLoginRefused,
    ::testing::Values(
        Refusal{"NoName", {{"TargetName", kTargetName}}, LoginStatus::kMissingParameter},
        Refusal{"BadName",
                {{"InitiatorName", "Host!"}, {"TargetName", kTargetName}},
                LoginStatus::kInitiatorError},
        Refusal{"NoTarget", {{"InitiatorName", kInitiatorName}}, LoginStatus::kMissingParameter},
        Refusal{"OtherTarget",
                {{"InitiatorName", kInitiatorName}, {"TargetName", "iqn.2026-01.org.example:none"}},
                LoginStatus::kNotFound},
        Refusal{"NotInTheList",
                {{"InitiatorName", "iqn.2026-01.org.example:stranger"}, {"TargetName", kTargetName}},
                LoginStatus::kNotAllowed},
        Refusal{"OddSession",
                {{"InitiatorName", kInitiatorName}, {"TargetName", kTargetName}, {"SessionType", "Odd"}},
                LoginStatus::kSessionTypeNotSupported},
        Refusal{"Twice",
                {{"InitiatorName", kInitiatorName}, {"TargetName", kTargetName}, {"TargetName", kTargetName}},
                LoginStatus::kInitiatorError}),
    [](const auto& param) { return param.param.name; });

TEST(IscsiLogin, L1_OtherVersionsAndSecondConnectionsAreRefused) {
  Bench bench;
  LoginRequest request{.transit = true, .current = Stage::kOperational, .next = Stage::kFullFeature};
  request.version_min = request.version_max = 1;
  EXPECT_EQ(bench.login_step(request, {}).status, LoginStatus::kUnsupportedVersion);
  Bench second;
  request.version_min = 0;
  request.tsih = 9;
  EXPECT_EQ(
      second.login_step(request, {{"InitiatorName", kInitiatorName}, {"TargetName", kTargetName}}).status,
      LoginStatus::kTooManyConnections);
}

TEST(IscsiLogin, L1_ALoginThatNeverEndsIsRefused) {
  Bench bench;
  LoginRequest request{.current = Stage::kOperational};
  auto answer = bench.login_step(request, {{"InitiatorName", kInitiatorName}, {"TargetName", kTargetName}});
  for (unsigned i = 0; i < kMaxLoginRequests - 1; ++i) {
    ASSERT_EQ(answer.status, LoginStatus::kSuccess);
    answer = bench.login_step(request, {});
  }
  EXPECT_EQ(bench.login_step(request, {}).status, LoginStatus::kInitiatorError);
  EXPECT_TRUE(bench.ended.has_value());
}

TEST(IscsiLogin, L1_TooMuchTextIsRefused) {
  auto config = Bench::default_config();
  config.limits.max_login_text = 10'000;
  Bench bench(std::move(config));
  LoginRequest request{.more_text = true, .current = Stage::kOperational};
  const Bytes text(8000, 'a');
  ASSERT_TRUE(bench.feed(encode_pdu(request.encode(), text)).has_value());
  EXPECT_EQ(LoginResponse::decode(bench.one().header).status, LoginStatus::kSuccess);
  ASSERT_TRUE(bench.feed(encode_pdu(request.encode(), text)).has_value());
  EXPECT_EQ(LoginResponse::decode(bench.one().header).status, LoginStatus::kInitiatorError);
  EXPECT_TRUE(bench.ended.has_value());
}

TEST(IscsiLogin, L1_WhateverComesBeforeALoginEndsTheConnection) {
  Bench bench;
  EXPECT_FALSE(bench.feed(NopOutPdu{.task_tag = 1}.encode()).has_value());
  EXPECT_TRUE(bench.take().empty());
}

TEST(IscsiLogin, L1_ItMustNotTakeLong) {
  Bench bench;
  bench.time += bench.config.limits.login_timeout - std::chrono::milliseconds{1};
  EXPECT_TRUE(bench.endpoint().on_deadline().has_value());
  bench.time += std::chrono::milliseconds{1};
  EXPECT_FALSE(bench.endpoint().on_deadline().has_value());
}

// --- CHAP ---

struct Digest {
  std::string number;
  crypto::ChapDigest digest;
};

class IscsiChap : public ::testing::TestWithParam<Digest> {
 protected:
  // The first two steps: the target's identifier and challenge.
  void begin(Bench& bench) {
    auto answer = bench.login_step(
        {.current = Stage::kSecurity},
        {{"InitiatorName", kInitiatorName}, {"TargetName", kTargetName}, {"AuthMethod", "CHAP"}});
    ASSERT_EQ(answer.status, LoginStatus::kSuccess);
    ASSERT_EQ(*bench.login_text().find("AuthMethod"), "CHAP");
    answer = bench.login_step({.current = Stage::kSecurity}, {{"CHAP_A", "99," + GetParam().number}});
    ASSERT_EQ(answer.status, LoginStatus::kSuccess);
    ASSERT_EQ(*bench.login_text().find("CHAP_A"), GetParam().number);
    identifier_ = static_cast<std::uint8_t>(parse_numerical(*bench.login_text().find("CHAP_I")).value());
    challenge_ = parse_binary(*bench.login_text().find("CHAP_C"), 1024).value();
  }
  std::string response(const std::string& secret, std::uint8_t identifier, ByteView challenge) const {
    return format_binary(crypto::chap_response(GetParam().digest, identifier,
                                               crypto::SecretBytes::copy_of(as_bytes(secret)), challenge)
                             .value());
  }
  LoginResponse prove(Bench& bench, std::vector<KeyValue> keys) {
    return bench.login_step({.transit = true, .current = Stage::kSecurity, .next = Stage::kOperational},
                            keys);
  }
  std::uint8_t identifier_ = 0;
  Bytes challenge_;
};

TEST_P(IscsiChap, L1_TheRightSecretLetsIn) {
  Bench bench(with_chap(false));
  begin(bench);
  const auto answer =
      prove(bench, {{"CHAP_N", "host"}, {"CHAP_R", response(kSecret, identifier_, challenge_)}});
  EXPECT_EQ(answer.status, LoginStatus::kSuccess);
  EXPECT_EQ(answer.next, Stage::kOperational);
  LoginRequest last{.transit = true, .current = Stage::kOperational, .next = Stage::kFullFeature};
  EXPECT_EQ(bench.login_step(last, {{"InitiatorName", "iqn.2026-01.org.example:somebody"}}).status,
            LoginStatus::kInitiatorError)
      << "who he is was proved for another name";
}

TEST_P(IscsiChap, L1_BothSidesProveThemselves) {
  Bench bench(with_chap(true));
  begin(bench);
  const Bytes ours{1, 2, 3, 4, 5, 6, 7, 8};
  const auto answer = prove(bench, {{"CHAP_N", "host"},
                                    {"CHAP_R", response(kSecret, identifier_, challenge_)},
                                    {"CHAP_I", "200"},
                                    {"CHAP_C", format_binary(ours)}});
  EXPECT_EQ(answer.status, LoginStatus::kSuccess);
  EXPECT_EQ(*bench.login_text().find("CHAP_N"), "library");
  EXPECT_EQ(*bench.login_text().find("CHAP_R"), response(kOtherSecret, 200, ours));
  EXPECT_EQ(
      bench.login_step({.transit = true, .current = Stage::kOperational, .next = Stage::kFullFeature}, {})
          .status,
      LoginStatus::kSuccess);
  EXPECT_EQ(bench.outcome->chap_name, "host");
}

TEST_P(IscsiChap, L1_AWrongSecretNameOrFormIsRefused) {
  const std::vector<std::pair<std::string, std::string>> attempts = {
      {"host", "another-secret-of"}, {"nobody", kSecret}, {"", kSecret}};
  for (const auto& [name, secret] : attempts) {
    Bench bench(with_chap(false));
    begin(bench);
    const auto answer =
        prove(bench, {{"CHAP_N", name}, {"CHAP_R", response(secret, identifier_, challenge_)}});
    EXPECT_EQ(answer.status, LoginStatus::kAuthenticationFailed);
    EXPECT_TRUE(bench.ended.has_value());
    EXPECT_EQ(bench.refused->text().find(kSecret), std::string::npos);
  }
  for (const auto* value : {"", "0x", "12", "0x00"}) {
    Bench bench(with_chap(false));
    begin(bench);
    EXPECT_NE(prove(bench, {{"CHAP_N", "host"}, {"CHAP_R", value}}).status, LoginStatus::kSuccess);
  }
}

TEST_P(IscsiChap, L1_OurOwnChallengeIsNotAnswered) {
  Bench bench(with_chap(true));
  begin(bench);
  const auto answer = prove(bench, {{"CHAP_N", "host"},
                                    {"CHAP_R", response(kSecret, identifier_, challenge_)},
                                    {"CHAP_I", "1"},
                                    {"CHAP_C", format_binary(challenge_)}});
  EXPECT_EQ(answer.status, LoginStatus::kAuthenticationFailed);
  EXPECT_TRUE(bench.login_text().empty());
}

TEST_P(IscsiChap, L1_AProofThatNobodySetUpIsNotGiven) {
  Bench bench(with_chap(false));
  begin(bench);
  const auto answer = prove(bench, {{"CHAP_N", "host"},
                                    {"CHAP_R", response(kSecret, identifier_, challenge_)},
                                    {"CHAP_I", "1"},
                                    {"CHAP_C", "0x0102030405060708"}});
  EXPECT_EQ(answer.status, LoginStatus::kAuthenticationFailed);
}

INSTANTIATE_TEST_SUITE_P(Digests, IscsiChap,
                         ::testing::Values(Digest{"5", crypto::ChapDigest::kMd5},
                                           Digest{"6", crypto::ChapDigest::kSha1},
                                           Digest{"7", crypto::ChapDigest::kSha256},
                                           Digest{"8", crypto::ChapDigest::kSha3}),
                         [](const auto& param) { return "Digest" + param.param.number; });

TEST(IscsiChapPolicy, L1_NoWayAroundTheProof) {
  Bench straight(with_chap(false));
  EXPECT_EQ(straight.login().status, LoginStatus::kAuthenticationFailed);
  Bench none(with_chap(false));
  EXPECT_EQ(none.login_step(
                    {.transit = true, .current = Stage::kSecurity, .next = Stage::kFullFeature},
                    {{"InitiatorName", kInitiatorName}, {"TargetName", kTargetName}, {"AuthMethod", "None"}})
                .status,
            LoginStatus::kAuthenticationFailed);
  Bench silent(with_chap(false));
  EXPECT_EQ(silent
                .login_step({.transit = true, .current = Stage::kSecurity, .next = Stage::kFullFeature},
                            {{"InitiatorName", kInitiatorName}, {"TargetName", kTargetName}})
                .status,
            LoginStatus::kAuthenticationFailed);
  Bench halfway(with_chap(false));
  auto answer =
      halfway.login_step({.transit = true, .current = Stage::kSecurity, .next = Stage::kFullFeature},
                         {{"InitiatorName", kInitiatorName},
                          {"TargetName", kTargetName},
                          {"AuthMethod", "CHAP"},
                          {"CHAP_A", "7"}});
  EXPECT_EQ(answer.status, LoginStatus::kSuccess);
  EXPECT_FALSE(answer.transit) << "the exchange is not over";
  answer =
      halfway.login_step({.transit = true, .current = Stage::kOperational, .next = Stage::kFullFeature}, {});
  EXPECT_EQ(answer.status, LoginStatus::kAuthenticationFailed);
}

TEST(IscsiChapPolicy, L1_Md5AloneOnlyWhereItIsAllowed) {
  Bench bench(with_chap(false, false));
  bench.login_step({.current = Stage::kSecurity},
                   {{"InitiatorName", kInitiatorName}, {"TargetName", kTargetName}, {"AuthMethod", "CHAP"}});
  EXPECT_EQ(bench.login_step({.current = Stage::kSecurity}, {{"CHAP_A", "5"}}).status,
            LoginStatus::kAuthenticationFailed);
}

// --- configuration ---

std::string wrong_field(const ServerConfig& config) {
  const auto status = check_config(config);
  return status ? "" : status.error().field;
}

TEST(IscsiConfig, L1_EachMistakeIsNamed) {
  EXPECT_EQ(wrong_field(Bench::default_config()), "");
  EXPECT_EQ(wrong_field(with_chap(true)), "");
  auto config = Bench::default_config();
  config.portals = {Portal{.address = "0.0.0.0"}};
  EXPECT_EQ(wrong_field(config), "portals");
  config.unprotected_network = true;
  EXPECT_EQ(wrong_field(config), "");
  config.targets.front().name = "Library 1";
  EXPECT_EQ(wrong_field(config), "name");
  config = Bench::default_config();
  config.targets.push_back({.name = kTargetName});
  EXPECT_EQ(wrong_field(config), "name");
  config = Bench::default_config();
  const auto unit = std::make_shared<testing::ScriptedUnit>();
  config.targets.front().units = {{.lun = 3, .unit = unit}, {.lun = 3, .unit = unit}};
  EXPECT_EQ(wrong_field(config), "lun");
  config.targets.front().units = {{.lun = 0x4000, .unit = unit}};
  EXPECT_EQ(wrong_field(config), "lun");
  config.targets.front().units = {{.lun = 0, .unit = nullptr}};
  EXPECT_EQ(wrong_field(config), "units");
  config = Bench::default_config();
  config.limits.max_transfer = config.limits.session_memory + 1;
  EXPECT_EQ(wrong_field(config), "max_transfer");
  config = with_chap(true);
  config.targets.front().authentication.target->secret = crypto::SecretBytes::copy_of(as_bytes(kSecret));
  EXPECT_EQ(wrong_field(config), "authentication.target.secret");
  config = with_chap(false);
  config.targets.front().authentication.initiators.front().secret =
      crypto::SecretBytes::copy_of(as_bytes("elevenbytes"));
  EXPECT_EQ(wrong_field(config), "authentication.initiators.secret");
}

}  // namespace
}  // namespace tapewarden::iscsi
