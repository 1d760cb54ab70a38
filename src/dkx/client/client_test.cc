#include "dkx/client/client.h"

#include <gtest/gtest.h>

#include "base/testing/sim_env.h"
#include "dkx/client/testing/fake_server.h"

namespace tapewarden::dkx {
namespace {

using testing::FakeServer;
using testing::parties;
using testing::Party;
using namespace std::chrono_literals;

class ClientTest : public ::testing::Test {
 protected:
  ClientTest()
      : primary_(sim_.executor, sim_.random, parties().server, testing::uuid_of(0x51)),
        secondary_(sim_.executor, sim_.random, parties().other, testing::uuid_of(0x52)) {}
  ~ClientTest() override {
    client_.reset();
    sim_.executor.run();
  }

  void start(std::optional<Hash256> pin = std::nullopt, bool two = true) {
    ClientConfig config;
    config.env = sim_.env();
    config.servers.push_back({primary_.connector("keys1:3801"), pin});
    if (two) config.servers.push_back({secondary_.connector("keys2:3801"), {}});
    config.trust = {{parties().authority.certificate}, "keyd"};
    config.on_state_change = [this](const ServerStatus& status) {
      changes_.push_back(std::string(to_string(status.role)) + " " +
                         std::string(to_string(status.connection)));
    };
    client_ = std::make_unique<Client>(std::move(config));
    sim_.executor.run();
  }

  Builder builder() {
    return [this](const Attempt& attempt) -> Result<RequestEnvelope> {
      attempts_.push_back(attempt);
      KeyRequest request = testing::sample_key_request(intent_);
      request.nonce = attempt.nonce;
      request.binding = attempt.binding;
      return sign_request(0, encode(request), SignerKind::kDrive, parties().drive.key,
                          &parties().drive.certificate);
    };
  }
  void ask() {
    client_->exchange(builder(),
                      [this](Result<Answered> answered) { results_.push_back(std::move(answered)); });
    sim_.executor.run();
  }
  // Runs timers until so much time has passed.
  void pass(std::chrono::milliseconds time) {
    const SteadyTime end = sim_.clock.steady_now() + time;
    while (sim_.clock.steady_now() < end) {
      sim_.clock.advance(10ms);
      sim_.executor.run();
    }
  }
  ServerRole only_role() const {
    EXPECT_EQ(results_.size(), 1U);
    EXPECT_TRUE(results_.at(0)) << results_.at(0).error().text();
    EXPECT_TRUE(key_answer(results_.at(0))) << key_answer(results_.at(0)).error().text();
    return results_.at(0)->role;
  }
  const Error& only_error() const {
    EXPECT_EQ(results_.size(), 1U);
    EXPECT_FALSE(results_.at(0));
    return results_.at(0).error();
  }
  static Refusal refusal(eedk::EkmCode code, RetryReason retry = RetryReason::kNone) {
    return {code, eedk::Origin::kKeyServer, "no", "", "do", retry, {}};
  }

  ::tapewarden::testing::SimEnv sim_{5};
  FakeServer primary_;
  FakeServer secondary_;
  std::unique_ptr<Client> client_;
  Intent intent_ = Intent::kRead;
  std::vector<Attempt> attempts_;
  std::vector<Result<Answered>> results_;
  std::vector<std::string> changes_;
};

TEST_F(ClientTest, T8_PrimaryIsPreferredAndBothAreConnected) {
  start();
  EXPECT_EQ(client_->status()[0].connection, Connection::kUp);
  EXPECT_EQ(client_->status()[1].connection, Connection::kUp);
  EXPECT_EQ(client_->status()[1].server, secondary_.id());
  ask();
  EXPECT_EQ(only_role(), ServerRole::kPrimary);
  EXPECT_TRUE(secondary_.requests().empty());
  EXPECT_EQ(changes_, (std::vector<std::string>{"primary up", "secondary up"}));
}

TEST_F(ClientTest, T8_PrimaryDyingBetweenRequestAndAnswerIsReplacedAtOnce) {
  start();
  primary_.on_request = [&](const auto&) { primary_.set_reachable(false); };
  const SteadyTime before = sim_.clock.steady_now();
  ask();
  EXPECT_EQ(only_role(), ServerRole::kSecondary);
  EXPECT_EQ(sim_.clock.steady_now(), before) << "no timer was needed";
  ASSERT_EQ(attempts_.size(), 2U);
  EXPECT_NE(attempts_[0].nonce, attempts_[1].nonce);
  EXPECT_NE(attempts_[0].binding, attempts_[1].binding);
  EXPECT_EQ(attempts_[1].server, secondary_.id());
  const auto& first = std::get<KeyRequest>(primary_.requests().at(0).body);
  const auto& second = std::get<KeyRequest>(secondary_.requests().at(0).body);
  EXPECT_EQ(first.request_id, second.request_id);
  EXPECT_FALSE(secondary_.requests().at(0).fault);
  EXPECT_EQ(changes_.back(), "primary down");
}

TEST_F(ClientTest, T8_SilentPrimaryIsReplacedWithinASecondAndItsLateAnswerIgnored) {
  start();
  std::vector<FakeServer::Request> held;
  primary_.on_request = [&](const auto& request) { held.push_back(request); };
  const SteadyTime before = sim_.clock.steady_now();
  ask();
  EXPECT_TRUE(results_.empty());
  while (results_.empty()) ASSERT_TRUE(sim_.executor.run_next_timer());
  EXPECT_EQ(only_role(), ServerRole::kSecondary);
  EXPECT_LE(sim_.clock.steady_now() - before, 1s);
  ASSERT_EQ(held.size(), 1U);
  primary_.answer(held[0], primary_.usual_answer(held[0]));
  sim_.executor.run();
  EXPECT_EQ(results_.size(), 1U);
  EXPECT_EQ(client_->late_answers(), 1U);
}

TEST_F(ClientTest, T8_PrimaryTakesOverAgainWhenItReturns) {
  start();
  primary_.set_reachable(false);
  ask();
  EXPECT_EQ(only_role(), ServerRole::kSecondary);
  primary_.set_reachable(true);
  pass(6s);
  results_.clear();
  ask();
  EXPECT_EQ(only_role(), ServerRole::kPrimary);
  EXPECT_EQ(changes_, (std::vector<std::string>{"primary up", "secondary up", "primary down", "primary up"}));
}

TEST_F(ClientTest, T8_BothDownGivesBothReasons) {
  start();
  primary_.set_reachable(false);
  secondary_.cut_connections(Error{ErrorCode::kUnavailable, "power failure", "", "", 0});
  secondary_.set_reachable(false);
  ask();
  pass(2s);
  EXPECT_EQ(only_error().code, ErrorCode::kUnavailable);
  EXPECT_NE(only_error().message.find("primary keys1:3801: connection refused"), std::string::npos)
      << only_error().message;
  EXPECT_NE(only_error().message.find("secondary keys2:3801: connection refused"), std::string::npos);
  EXPECT_FALSE(only_error().remedy.empty());
}

TEST_F(ClientTest, T8_AnExchangeWaitsForAConnectionThatComesSoon) {
  start();
  primary_.set_reachable(false);
  secondary_.set_reachable(false);
  ask();
  secondary_.set_reachable(true);
  pass(900ms);
  EXPECT_EQ(only_role(), ServerRole::kSecondary);
}

TEST_F(ClientTest, T8_ReconnectingBacksOffToItsLimit) {
  start({}, false);
  primary_.set_reachable(false);
  pass(60s);
  const auto first_minute = primary_.connections_made();
  pass(60s);
  const auto second_minute = primary_.connections_made() - first_minute;
  EXPECT_GE(second_minute, 12U);
  EXPECT_LE(second_minute, 25U);
  EXPECT_GT(first_minute, second_minute);
}

TEST_F(ClientTest, T8_PingFindsAHalfOpenPeer) {
  start();
  pass(10s);
  EXPECT_GE(primary_.pings(), 3U);
  EXPECT_EQ(client_->status()[0].connection, Connection::kUp);
  primary_.set_silent(true);
  pass(4s);
  EXPECT_EQ(client_->status()[0].connection, Connection::kDown);
  EXPECT_EQ(client_->status()[0].failure->code, ErrorCode::kTimeout);
  primary_.set_silent(false);
  pass(20s);
  EXPECT_EQ(client_->status()[0].connection, Connection::kUp);
}

TEST_F(ClientTest, T8_OnlyOneExchangePaysForASilentServer) {
  start();
  primary_.set_silent(true);
  ask();
  pass(750ms);
  ASSERT_EQ(results_.size(), 1U);
  EXPECT_EQ(results_[0]->role, ServerRole::kSecondary);
  ask();
  ASSERT_EQ(results_.size(), 2U) << "the second exchange went to the secondary at once";
}

TEST_F(ClientTest, T8_ASlowServerIsBetterThanNone) {
  start({}, false);
  std::vector<FakeServer::Request> held;
  primary_.on_request = [&](const auto& request) { held.push_back(request); };
  ask();
  pass(5s);
  EXPECT_TRUE(results_.empty());
  ASSERT_EQ(held.size(), 1U) << "the request is not sent again to the same server";
  primary_.answer(held[0], primary_.usual_answer(held[0]));
  sim_.executor.run();
  EXPECT_EQ(only_role(), ServerRole::kPrimary);
}

TEST_F(ClientTest, T8_TheExchangeEndsAtItsDeadline) {
  start({}, false);
  primary_.on_request = [](const auto&) {};
  ask();
  pass(29s);
  EXPECT_TRUE(results_.empty());
  pass(2s);
  EXPECT_EQ(only_error().code, ErrorCode::kTimeout);
}

TEST_F(ClientTest, K11_AForgedAnswerIsRefusedAndTheOtherServerAsked) {
  start();
  primary_.on_request = [&](const auto& request) {
    primary_.answer_signed_by(parties().stranger, request, primary_.usual_answer(request));
  };
  ask();
  EXPECT_EQ(only_role(), ServerRole::kSecondary);
  EXPECT_EQ(client_->status()[0].connection, Connection::kDown);
  EXPECT_EQ(client_->status()[0].failure->code, ErrorCode::kUnauthenticated);
}

TEST_F(ClientTest, K11_AnAnswerToAnotherRequestIsRefused) {
  start();
  ask();
  ASSERT_EQ(primary_.requests().size(), 1U);
  const auto old = primary_.requests()[0];
  results_.clear();
  // A recorded answer, given the id of the new request.
  primary_.on_request = [&](const FakeServer::Request& request) {
    auto replay = sign_answer(old.envelope, encode(primary_.usual_answer(old)), parties().server.key,
                              parties().server.certificate.fingerprint());
    replay.message_id = request.envelope.message_id;
    primary_.send_raw(request.connection, encode(replay));
  };
  ask();
  EXPECT_EQ(only_role(), ServerRole::kSecondary);
  EXPECT_EQ(client_->status()[0].failure->code, ErrorCode::kUnauthenticated);
}

TEST_F(ClientTest, K11_ServersThatTheSiteDidNotCertifyAreRefused) {
  primary_.set_party(parties().stranger);
  secondary_.set_party(parties().proxy);  // of the site, but no key server
  start();
  ask();
  pass(2s);
  EXPECT_EQ(only_error().code, ErrorCode::kUnauthenticated) << only_error().text();
  EXPECT_TRUE(attempts_.empty()) << "nothing was signed for them";
  EXPECT_NE(client_->status()[1].failure->message.find("not issued to a key server"), std::string::npos);
}

TEST_F(ClientTest, K11_APinnedServerMustShowItsCertificate) {
  start(parties().other.certificate.fingerprint(), false);
  EXPECT_EQ(client_->status()[0].connection, Connection::kDown);
  EXPECT_NE(client_->status()[0].failure->message.find("not the pinned one"), std::string::npos);
  client_.reset();
  start(parties().server.certificate.fingerprint(), false);
  EXPECT_EQ(client_->status()[0].connection, Connection::kUp);
}

TEST_F(ClientTest, K11_EveryNonceIsUsedOnceAndMoreAreFetched) {
  primary_.set_nonce_limit(4);
  start();
  for (int i = 0; i < 10; ++i) {
    client_->exchange(builder(),
                      [this](Result<Answered> answered) { results_.push_back(std::move(answered)); });
  }
  sim_.executor.run();
  ASSERT_EQ(results_.size(), 10U);
  std::set<Nonce> used;
  for (const auto& attempt : attempts_) used.insert(attempt.nonce);
  EXPECT_EQ(used.size(), 10U);
  for (const auto& request : primary_.requests()) EXPECT_FALSE(request.fault);
  EXPECT_EQ(primary_.hellos(), 3U);
}

TEST_F(ClientTest, K11_AStaleNonceIsReplacedAtTheSameServer) {
  start();
  primary_.forget_nonces();
  ask();
  EXPECT_EQ(only_role(), ServerRole::kPrimary);
  EXPECT_EQ(results_[0]->attempts, 2U);
  EXPECT_TRUE(secondary_.requests().empty());
}

TEST_F(ClientTest, K11_NextNonceOfAnAnswerSavesAHello) {
  primary_.set_nonce_limit(1);
  start();
  Nonce next;
  next.fill(0x99);
  primary_.on_request = [&](const FakeServer::Request& request) {
    auto answer = std::get<KeyAnswer>(primary_.usual_answer(request));
    answer.next_nonce = next;
    primary_.answer(request, answer);
  };
  ask();
  primary_.on_request = [&](const FakeServer::Request& request) {
    primary_.answer(request, std::get<KeyAnswer>(AnswerBody{KeyAnswer{}}));
  };
  ask();
  ASSERT_EQ(attempts_.size(), 2U);
  EXPECT_EQ(attempts_[1].nonce, next);
  EXPECT_EQ(primary_.hellos(), 1U);
}

TEST_F(ClientTest, K17_AServerWhoseHeadWentBackIsRefused) {
  primary_.set_head({0, 100});
  secondary_.set_head({0, 50});
  start();
  ask();
  EXPECT_EQ(only_role(), ServerRole::kPrimary);
  const auto reconnect = [&](std::optional<ServerHead> head) {
    if (head) primary_.set_head(*head);
    primary_.cut_connections({ErrorCode::kUnavailable, "cut", {}, {}, 0});
    pass(3s);
    results_.clear();
    ask();
  };
  // An older copy of the same epoch: the other server answers.
  reconnect(ServerHead{0, 99});
  EXPECT_EQ(only_role(), ServerRole::kSecondary);
  EXPECT_NE(client_->status()[0].failure->message.find("older copy"), std::string::npos);
  // Further on, or restored into a new epoch: a descendant.
  reconnect(ServerHead{0, 101});
  EXPECT_EQ(only_role(), ServerRole::kPrimary);
  reconnect(ServerHead{1, 3});
  EXPECT_EQ(only_role(), ServerRole::kPrimary);
  reconnect(ServerHead{0, 200});
  EXPECT_EQ(only_role(), ServerRole::kSecondary);
}

TEST_F(ClientTest, K17_AServerThatWaitsForItsReplicaLeavesItToTheOther) {
  start();
  primary_.on_request = [&](const auto& request) {
    primary_.answer(request, refusal(eedk::EkmCode::kNoKeyToServe, RetryReason::kWaitingForReplica));
  };
  ask();
  EXPECT_EQ(only_role(), ServerRole::kSecondary);
}

TEST_F(ClientTest, K17_AKeyThatWaitsForItsBackupIsAskedForUntilItComes) {
  start();
  int asked = 0;
  const auto waits = [&](FakeServer& server, const auto& request) {
    server.answer(request, refusal(eedk::EkmCode::kWaitingForBackup, RetryReason::kWaitingForBackup));
  };
  primary_.on_request = [&](const auto& request) {
    if (++asked < 40) return waits(primary_, request);
    primary_.answer(request, primary_.usual_answer(request));
  };
  secondary_.on_request = [&](const auto& request) {
    secondary_.answer(request, refusal(eedk::EkmCode::kNoKeyToServe));
  };
  ask();
  EXPECT_TRUE(results_.empty());
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(secondary_.requests().size(), 1U) << "the other server is asked first";
  pass(25s);
  EXPECT_EQ(only_role(), ServerRole::kPrimary);
  EXPECT_EQ(asked, 40) << "more often than a lost connection is tried";
  EXPECT_EQ(secondary_.requests().size(), 1U) << "its refusal was final";
  const auto& first = std::get<KeyRequest>(primary_.requests().front().body);
  const auto& last = std::get<KeyRequest>(primary_.requests().back().body);
  EXPECT_EQ(first.request_id, last.request_id);
  EXPECT_NE(first.nonce, last.nonce);
}

TEST_F(ClientTest, K17_AWaitEndsWithTheExchangesTimeAndSaysWhy) {
  start(std::nullopt, false);
  primary_.on_request = [&](const auto& request) {
    primary_.answer(request, refusal(eedk::EkmCode::kWaitingForBackup, RetryReason::kWaitingForBackup));
  };
  ask();
  pass(29s);
  EXPECT_TRUE(results_.empty());
  pass(2s);
  ASSERT_EQ(results_.size(), 1U);
  const auto answer = key_answer(results_[0]);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(answer.error().detail, 0xEF10U);
}

TEST_F(ClientTest, K17_AWaitGoesOnWhenTheServerWasAway) {
  start(std::nullopt, false);
  bool waits = true;
  primary_.on_request = [&](const auto& request) {
    if (!waits) return primary_.answer(request, primary_.usual_answer(request));
    primary_.answer(request, refusal(eedk::EkmCode::kWaitingForBackup, RetryReason::kWaitingForBackup));
  };
  ask();
  EXPECT_TRUE(results_.empty());
  primary_.set_reachable(false);
  sim_.executor.run();
  waits = false;
  primary_.set_reachable(true);
  pass(10s);
  EXPECT_EQ(only_role(), ServerRole::kPrimary);
}

TEST_F(ClientTest, K14_AFinalRefusalIsPassedOnWithItsCode) {
  start();
  primary_.on_request = [&](const auto& request) {
    primary_.answer(request, refusal(eedk::EkmCode::kProhibited));
  };
  ask();
  ASSERT_EQ(results_.size(), 1U);
  EXPECT_EQ(key_answer(results_[0]).error().detail, 0xEE30U);
  EXPECT_EQ(key_answer(results_[0]).error().code, ErrorCode::kPermissionDenied);
  EXPECT_TRUE(secondary_.requests().empty()) << "the other server is not asked what this one forbids";
}

TEST_F(ClientTest, K12_AConfirmationThatOneServerKnowsNothingOfIsTakenToTheOther) {
  start();
  primary_.on_request = [&](const auto& request) {
    primary_.answer(request, refusal(eedk::EkmCode::kMessageOutOfSequence));
  };
  intent_ = Intent::kConfirm;
  ask();
  ASSERT_EQ(results_.size(), 1U);
  ASSERT_TRUE(results_[0]) << results_[0].error().text();
  EXPECT_TRUE(std::holds_alternative<ConfirmAnswer>(results_[0]->body));
  EXPECT_EQ(results_[0]->role, ServerRole::kSecondary);
}

TEST_F(ClientTest, K12_AConfirmationThatNeitherServerKnowsIsRefused) {
  start();
  for (auto* server : {&primary_, &secondary_})
    server->on_request = [server](const auto& request) {
      server->answer(request, refusal(eedk::EkmCode::kMessageOutOfSequence));
    };
  intent_ = Intent::kConfirm;
  ask();
  ASSERT_EQ(results_.size(), 1U);
  ASSERT_TRUE(results_[0]) << results_[0].error().text();
  EXPECT_EQ(std::get<Refusal>(results_[0]->body).code, eedk::EkmCode::kMessageOutOfSequence);
  EXPECT_EQ(secondary_.requests().size(), 1U);
  intent_ = Intent::kRead;
  ask();
  EXPECT_EQ(secondary_.requests().size(), 1U) << "a key is not asked for by a wrong sequence twice";
}

TEST_F(ClientTest, K14_OfTwoRefusalsTheOneThatMayPassIsTold) {
  start();
  primary_.on_request = [&](const auto& request) {
    primary_.answer(request, refusal(eedk::EkmCode::kKeyNotHeld));
  };
  secondary_.on_request = [&](const auto& request) {
    secondary_.answer(request, refusal(eedk::EkmCode::kKeyNotHeld, RetryReason::kNotServing));
  };
  ask();
  ASSERT_EQ(results_.size(), 1U);
  EXPECT_EQ(results_[0]->role, ServerRole::kSecondary);
  EXPECT_EQ(key_answer(results_[0]).error().code, ErrorCode::kUnavailable);
}

TEST_F(ClientTest, BuilderErrorsEndTheExchange) {
  start();
  client_->exchange(
      [](const Attempt&) -> Result<RequestEnvelope> { return fail(ErrorCode::kIo, "no drive"); },
      [this](Result<Answered> answered) { results_.push_back(std::move(answered)); });
  sim_.executor.run();
  EXPECT_EQ(only_error().message, "no drive");
  results_.clear();
  client_->exchange(
      [](const Attempt&) -> Result<RequestEnvelope> {
        return unsigned_request(0, encode(RequestBody{PingRequest{}}));
      },
      [this](Result<Answered> answered) { results_.push_back(std::move(answered)); });
  sim_.executor.run();
  EXPECT_EQ(only_error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(primary_.requests().empty());
}

TEST_F(ClientTest, T3_LabelsAreChecked) {
  start();
  client_->check_labels({{CheckKind::kLabel, "A"}, {CheckKind::kGroup, "G"}},
                        [this](Result<Answered> answered) { results_.push_back(std::move(answered)); });
  client_->check_labels({}, [this](Result<Answered> answered) { results_.push_back(std::move(answered)); });
  sim_.executor.run();
  ASSERT_EQ(results_.size(), 2U);
  ASSERT_TRUE(results_[1]);
  EXPECT_EQ(std::get<CheckLabelsAnswer>(results_[1]->body).results.size(), 2U);
  EXPECT_EQ(results_[0].error().code, ErrorCode::kInvalidArgument);
}

TEST_F(ClientTest, T8_AServerThatIsNotServingIsPassedOver) {
  primary_.set_state(ServerState::kNotServing, "locked");
  start();
  ask();
  EXPECT_EQ(only_role(), ServerRole::kSecondary);
  EXPECT_EQ(client_->status()[0].state_text, "locked");
  primary_.set_state(ServerState::kServing, "");
  pass(3s);
  EXPECT_EQ(client_->status()[0].state, ServerState::kServing);
  results_.clear();
  ask();
  EXPECT_EQ(only_role(), ServerRole::kPrimary);
}

TEST_F(ClientTest, GarbageEndsTheConnection) {
  start();
  primary_.on_request = [&](const FakeServer::Request& request) {
    primary_.send_raw(request.connection, to_bytes("HTTP/1.1 400 Bad Request\r\n"));
  };
  ask();
  EXPECT_EQ(only_role(), ServerRole::kSecondary);
  EXPECT_EQ(client_->status()[0].connection, Connection::kDown);
}

TEST_F(ClientTest, ShuttingDownCompletesWhatIsUnderWay) {
  start();
  primary_.on_request = [](const auto&) {};
  ask();
  client_.reset();
  EXPECT_EQ(only_error().code, ErrorCode::kUnavailable);
}

// Servers come and go at random: every exchange completes exactly once, in its time, and no request that a
// server accepted was signed for another one.
TEST_F(ClientTest, T8_EveryExchangeCompletesOnceWhateverTheServersDo) {
  start();
  std::vector<int> completions;
  std::size_t answered = 0;
  const auto flip = [&](FakeServer& server) {
    switch (sim_.random.below(6)) {
      case 0:
        return server.set_reachable(false);
      case 1:
        return server.set_silent(true);
      case 2:
        return server.forget_nonces();
      default:
        server.set_silent(false);
        server.set_reachable(true);
    }
  };
  for (int round = 0; round < 600; ++round) {
    if (sim_.random.below(8) == 0) flip(sim_.random.below(2) == 0 ? primary_ : secondary_);
    completions.push_back(0);
    client_->exchange(builder(), [&, number = completions.size() - 1](Result<Answered> result) {
      ++completions[number];
      if (result) ++answered;
    });
    pass(std::chrono::milliseconds(10 * (1 + sim_.random.below(30))));
  }
  pass(31s);
  EXPECT_EQ(completions, std::vector<int>(completions.size(), 1));
  EXPECT_GT(answered, completions.size() / 2);
  for (const auto* server : {&primary_, &secondary_}) {
    for (const auto& request : server->requests()) EXPECT_TRUE(!request.fault || request.stale_nonce);
  }
}

}  // namespace
}  // namespace tapewarden::dkx
