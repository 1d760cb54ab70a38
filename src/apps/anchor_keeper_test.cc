// K13: checkpoints and chosen events leave the machine, and what does not is told.
#include "apps/anchor_keeper.h"

#include <arpa/inet.h>
#include <bit>
#include <condition_variable>
#include <gtest/gtest.h>
#include <mutex>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "audit/verify.h"
#include "store/testing/memory_commit_log.h"

namespace tapewarden::apps {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds kLong{30};

// The peer: takes checkpoints, refuses them, or is away.
class Peer final : public keymgr::PeerLink {
 public:
  Result<Bytes> post(std::string_view, ByteView body) override {
    const std::lock_guard lock(mutex_);
    ++calls_;
    changed_.notify_all();
    if (error_) return std::unexpected(*error_);
    taken_.emplace_back(as_text(body));
    return Bytes{};
  }
  void answer_with(std::optional<Error> error) {
    const std::lock_guard lock(mutex_);
    error_ = std::move(error);
  }
  bool wait_for(std::size_t taken) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kLong, [&] { return taken_.size() >= taken; });
  }
  bool wait_for_calls(std::size_t more) {
    std::unique_lock lock(mutex_);
    const std::size_t wanted = calls_ + more;
    return changed_.wait_for(lock, kLong, [&] { return calls_ >= wanted; });
  }
  std::vector<std::string> taken() {
    const std::lock_guard lock(mutex_);
    return taken_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Error> error_;
  std::size_t calls_ = 0;
  std::vector<std::string> taken_;
};

class KeptAnchors : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = audit::AuditFile::open(
        real_.env(), {.directory = directory_.file("audit"), .reserve_bytes = 0, .server = "primary"});
    ASSERT_TRUE(opened.has_value()) << opened.error().text();
    audit_ = std::move(*opened);
    audit_->set_checkpoint_signer([this](ByteView message) { return key_.sign(message); });
    store::KeystoreOptions options;
    options.path = directory_.file("keystore.db");
    options.server = Uuid::from(Bytes(16, 1));
    options.tables = keymgr::CheckpointExchange::tables();
    auto keystore = store::Keystore::open(real_.env(), std::move(options),
                                          crypto::SecretBytes::copy_of(Bytes(32, 7)), *audit_);
    ASSERT_TRUE(keystore.has_value()) << keystore.error().text();
    keystore_ = std::move(*keystore);
    exchange_ = std::make_unique<keymgr::CheckpointExchange>(
        real_.env(), *keystore_, "secondary", Uuid::from(Bytes(16, 2)), key_.public_key(), peer_);
  }
  void record(audit::EventType type, audit::Outcome outcome, std::string_view action) const {
    ASSERT_TRUE(keystore_->write([&](store::Transaction& transaction) -> Status {
      transaction.record(audit::Record(type, outcome, action).json());
      return {};
    }));
  }
  bool eventually_warns(const AnchorKeeper& keeper, const std::string& text) {
    const auto deadline = std::chrono::steady_clock::now() + kLong;
    while (std::chrono::steady_clock::now() < deadline) {
      for (const auto& warning : keeper.warnings()) {
        if (warning.find(text) != std::string::npos) return true;
      }
      std::this_thread::yield();
    }
    return false;
  }

  store::testing::TemporaryDirectory directory_;
  store::testing::RealEnv real_;
  crypto::PrivateKey key_ = crypto::PrivateKey::generate_p256();
  Peer peer_;
  std::unique_ptr<audit::AuditFile> audit_;
  std::unique_ptr<store::Keystore> keystore_;
  std::unique_ptr<keymgr::CheckpointExchange> exchange_;
};

TEST_F(KeptAnchors, K13_OneIsMadeAtTheStartAndOneWhenAskedForAndThePeerGetsBoth) {
  AnchorKeeper keeper(real_.env(), *keystore_, *audit_, exchange_.get(), nullptr, {});
  ASSERT_TRUE(peer_.wait_for(1));
  const auto made = keeper.make();
  ASSERT_TRUE(made.has_value()) << made.error().text();
  ASSERT_TRUE(peer_.wait_for(2));
  EXPECT_EQ(peer_.taken().back(), audit::note_text(*made));
  EXPECT_TRUE(keeper.warnings().empty());
  const std::vector<audit::CheckpointNote> against{*made};
  const auto key = key_.public_key();
  const auto report = audit::verify_files(*real_.env().disk, directory_.file("audit"), {&key, against});
  ASSERT_TRUE(report.has_value());
  EXPECT_FALSE(report->fault);
  EXPECT_EQ(report->notes_compared, 1U);
}

TEST_F(KeptAnchors, K13_OneIsMadeAgainAndAgain) {
  AnchorKeeper keeper(real_.env(), *keystore_, *audit_, exchange_.get(), nullptr,
                      {.every = milliseconds{1}, .look = milliseconds{1}, .filter = {}});
  EXPECT_TRUE(peer_.wait_for(4));
}

TEST_F(KeptAnchors, K13_WhatThePeerDidNotTakeIsSentAgain) {
  peer_.answer_with(Error{ErrorCode::kUnavailable, "away", {}, {}, 0});
  AnchorKeeper keeper(real_.env(), *keystore_, *audit_, exchange_.get(), nullptr,
                      {.every = std::chrono::hours{24}, .look = milliseconds{1}, .filter = {}});
  ASSERT_TRUE(peer_.wait_for_calls(3));
  EXPECT_TRUE(peer_.taken().empty());
  peer_.answer_with({});
  EXPECT_TRUE(peer_.wait_for(1));
}

TEST_F(KeptAnchors, K13_ACheckpointThatThePeerRefusesIsToldAndNotSentForEver) {
  peer_.answer_with(Error{ErrorCode::kConflict, "it holds a later one", {}, {}, 0});
  AnchorKeeper keeper(real_.env(), *keystore_, *audit_, exchange_.get(), nullptr,
                      {.every = std::chrono::hours{24}, .look = milliseconds{1}, .filter = {}});
  ASSERT_TRUE(eventually_warns(keeper, "it holds a later one"));
  peer_.answer_with({});
  ASSERT_TRUE(keeper.make().has_value());
  ASSERT_TRUE(peer_.wait_for(1));
  EXPECT_EQ(peer_.taken().size(), 1U) << "the refused one did not come again";
}

TEST_F(KeptAnchors, K13_TheSyslogGetsCheckpointsAndTheEventsThatFitTheFilter) {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ASSERT_GE(socket, 0);
  timeval patience{30, 0};
  ASSERT_EQ(::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
  const std::uint16_t port = [&] {
    // Port 0: any free one.
    sockaddr_storage storage{};
    storage.ss_family = AF_INET;
    std::bit_cast<sockaddr_in*>(&storage)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(socket, std::bit_cast<const sockaddr*>(&storage), sizeof(sockaddr_in)), 0);
    socklen_t size = sizeof(storage);
    EXPECT_EQ(::getsockname(socket, std::bit_cast<sockaddr*>(&storage), &size), 0);
    return ntohs(std::bit_cast<const sockaddr_in*>(&storage)->sin_port);
  }();
  const auto receive = [&] {
    std::string text(16'384, '\0');
    const auto size = ::recv(socket, text.data(), text.size(), 0);
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
  };
  RealClock clock;
  net::SyslogSender syslog(clock, {net::SyslogWay::kUdp, "127.0.0.1", port}, {"h", "p", 1}, nullptr);
  AnchorOptions options;
  options.filter.types = {audit::EventType::kAuthentication};
  options.filter.outcomes = {audit::Outcome::kFailure};
  AnchorKeeper keeper(real_.env(), *keystore_, *audit_, nullptr, &syslog, options);
  EXPECT_NE(receive().find("{\"anchor\":\"tapewarden audit 1\""), std::string::npos) << "of the start";
  record(audit::EventType::kAuthentication, audit::Outcome::kSuccess, "not this");
  record(audit::EventType::kKeyServing, audit::Outcome::kFailure, "nor this");
  record(audit::EventType::kAuthentication, audit::Outcome::kFailure, "log\nin");
  const auto line = receive();
  EXPECT_TRUE(line.starts_with("<108>1 ")) << line;
  EXPECT_NE(line.find(R"("action":"log\u000ain")"), std::string::npos) << line;
  EXPECT_TRUE(keeper.warnings().empty());
  ::close(socket);
}

}  // namespace
}  // namespace tapewarden::apps
