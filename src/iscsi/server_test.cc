// The whole target on real sockets and threads.
#include "iscsi/server.h"

#include <atomic>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "base/real_env.h"
#include "crypto/random.h"
#include "iscsi/login_pdu.h"
#include "iscsi/session_pdu.h"
#include "iscsi/text.h"
#include "net/testing/plain_client.h"
#include "net/testing/poll.h"

namespace tapewarden::iscsi {
namespace {

using net::testing::eventually;
using net::testing::PlainClient;

const std::string kTarget = "iqn.2026-01.org.example:target";
constexpr std::uint8_t kRead = 0x08;
constexpr std::uint8_t kWrite = 0x0a;
constexpr std::uint8_t kWait = 0xc0;

// Fails the test when two calls overlap; counts, and holds a kWait command until it is let go.
class WatchedUnit final : public scsi::LogicalUnit {
 public:
  scsi::Response execute(const scsi::Command& command) override {
    const Inside inside(*this);
    ++executed;
    if (command.cdb[0] == kWait) {
      waiting = true;
      while (!let_go) std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    if (command.cdb[0] == kRead) return scsi::good(Bytes(100'000, command.cdb[1]));
    auto response = scsi::good();
    response.data_out_used = command.data_out.size();
    written += command.data_out.size();
    const std::scoped_lock lock(mutex_);
    EXPECT_FALSE(lost_.contains(command.nexus)) << "a command after the loss of its nexus";
    seen_.insert(command.nexus);
    return response;
  }
  std::optional<scsi::Response> execute_at_once(const scsi::Command& command) override {
    {
      const Inside inside(*this);
      if (!quick || (command.cdb[0] != kRead && command.cdb[0] != kWrite)) return std::nullopt;
      ++at_once;
      EXPECT_EQ(command.keep == nullptr, command.data_out.empty());
    }
    return execute(command);
  }
  void look_ahead() override {
    const Inside inside(*this);
    ++looked;
  }
  void rest() override {
    const Inside inside(*this);
    ++rested;
  }
  void nexus_lost(scsi::NexusId nexus) override {
    const Inside inside(*this);
    const std::scoped_lock lock(mutex_);
    EXPECT_TRUE(lost_.insert(nexus).second) << "told twice";
  }
  void reset() override { const Inside inside(*this); }

  std::size_t lost() {
    const std::scoped_lock lock(mutex_);
    return lost_.size();
  }
  std::size_t seen() {
    const std::scoped_lock lock(mutex_);
    return seen_.size();
  }

  std::atomic<std::size_t> executed = 0;
  std::atomic<std::size_t> written = 0;
  std::atomic<bool> quick = false;  // it waits for nothing
  std::atomic<std::size_t> at_once = 0;
  std::atomic<std::size_t> looked = 0;
  std::atomic<std::size_t> rested = 0;
  std::atomic<bool> waiting = false;
  std::atomic<bool> let_go = false;

 private:
  struct Inside {
    explicit Inside(WatchedUnit& watched) : unit(watched) { EXPECT_FALSE(unit.inside_.exchange(true)); }
    ~Inside() { unit.inside_ = false; }
    WatchedUnit& unit;
  };
  std::atomic<bool> inside_ = false;
  std::mutex mutex_;
  std::set<scsi::NexusId> lost_;
  std::set<scsi::NexusId> seen_;
};

// An initiator that sends whole PDUs and waits for answers.
class Initiator {
 public:
  explicit Initiator(std::uint16_t port) : client_(port) {}

  LoginResponse login(std::uint8_t number, const std::string& target = kTarget) {
    LoginRequest request{.transit = true, .current = Stage::kOperational, .next = Stage::kFullFeature};
    request.isid = {0x80, 0, 0, 0, 0, number};
    request.cmd_sn = cmd_sn_;
    Text text;
    text.add("InitiatorName", "iqn.2026-01.org.example:host");
    if (target.empty())
      text.add("SessionType", "Discovery");
    else
      text.add("TargetName", target);
    text.add("MaxRecvDataSegmentLength", "262144");
    if (!send(request.encode(), text.encode())) return {.status = LoginStatus::kInvalidDuringLogin};
    const auto answer = receive();
    return answer ? LoginResponse::decode(*answer)
                  : LoginResponse{.status = LoginStatus::kInvalidDuringLogin};
  }
  bool send(const Header& header, ByteView segment = {}) {
    return client_.write(encode_pdu(header, segment));
  }
  bool send_command(std::uint8_t opcode, std::uint32_t expected = 0, ByteView segment = {}) {
    ScsiCommandPdu command{.read = opcode == kRead,
                           .write = opcode == kWrite,
                           .task_tag = ++tag_,
                           .expected_bytes = expected,
                           .cmd_sn = cmd_sn_++,
                           .cdb = Bytes(16)};
    command.cdb[0] = opcode;
    return send(command.encode(), segment);
  }
  // The next PDU's header; its data lies in `data`.
  std::optional<Header> receive() {
    std::array<std::uint8_t, kHeaderBytes> head{};
    if (!client_.read(head)) return std::nullopt;
    const Header header(head);
    data.resize(header.data_bytes() + padding_of(header.data_bytes()));
    if (!client_.read(data)) return std::nullopt;
    data.resize(header.data_bytes());
    return header;
  }
  bool logout() {
    if (!send(LogoutRequestPdu{.immediate = true, .task_tag = 1, .cmd_sn = cmd_sn_}.encode())) return false;
    const auto answer = receive();
    return answer && answer->is(Opcode::kLogoutResponse) && client_.ended();
  }
  PlainClient& client() { return client_; }
  Bytes data;

 private:
  PlainClient client_;
  std::uint32_t cmd_sn_ = 100;
  std::uint32_t tag_ = 0;
};

class IscsiServer : public ::testing::Test {
 protected:
  ServerConfig config() {
    ServerConfig config;
    config.portals = {Portal{.port = 0}};
    config.targets.push_back(
        {.name = kTarget, .units = {{.lun = 0, .unit = unit_}, {.lun = 1, .unit = unit_}}});
    config.events.opened = [this](const SessionInfo&) { ++opened_; };
    config.events.closed = [this](const SessionInfo&, const std::string&) { ++closed_; };
    config.events.refused = [this](const std::string&, const Error&) { ++refused_; };
    return config;
  }
  void start(ServerConfig config) {
    auto server = Server::start(std::move(config), {.clock = &clock_, .random = &random_});
    ASSERT_TRUE(server.has_value()) << server.error().text();
    server_ = std::move(*server);
  }
  void start() { start(config()); }
  std::uint16_t port() const { return server_->port(); }
  void sixty_four_sessions();

  RealClock clock_;
  crypto::SystemRandom random_;
  std::shared_ptr<WatchedUnit> unit_ = std::make_shared<WatchedUnit>();
  std::atomic<unsigned> opened_ = 0;
  std::atomic<unsigned> closed_ = 0;
  std::atomic<unsigned> refused_ = 0;
  std::unique_ptr<Server> server_;
};

TEST_F(IscsiServer, L1_ASessionFromLoginToLogout) {
  start();
  Initiator initiator(port());
  ASSERT_EQ(initiator.login(1).status, LoginStatus::kSuccess);
  ASSERT_EQ(server_->sessions().size(), 1U);
  EXPECT_EQ(server_->sessions().front().initiator, "iqn.2026-01.org.example:host");
  EXPECT_GE(server_->sessions().front().nexus.value(), kFirstNexus);
  ASSERT_TRUE(initiator.send_command(kRead, 100'000));
  const auto header = initiator.receive();
  ASSERT_TRUE(header && header->is(Opcode::kDataIn));
  EXPECT_EQ(initiator.data.size(), 100'000U);
  EXPECT_TRUE(initiator.logout());
  EXPECT_TRUE(eventually([&] { return unit_->lost() == 1 && closed_ == 1; }));
  EXPECT_TRUE(server_->sessions().empty());
}

void IscsiServer::sixty_four_sessions() {
  start();
  constexpr std::uint8_t kSessions = 64;
  constexpr int kCommands = 20;
  std::vector<std::thread> threads;
  std::atomic<unsigned> good = 0;
  for (std::uint8_t i = 0; i < kSessions; ++i)
    threads.emplace_back([&, i] {
      Initiator initiator(port());
      if (initiator.login(i).status != LoginStatus::kSuccess) return;
      for (int n = 0; n < kCommands; ++n) {
        if (!initiator.send_command(kWrite, 3000, Bytes(3000, i))) return;
        const auto answer = initiator.receive();
        if (!answer || !answer->is(Opcode::kScsiResponse) || ScsiResponsePdu::decode(*answer).status != 0)
          return;
      }
      if (initiator.logout()) ++good;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, kSessions);
  EXPECT_EQ(unit_->executed, std::size_t{kSessions} * kCommands);
  EXPECT_EQ(unit_->written, std::size_t{kSessions} * kCommands * 3000);
  EXPECT_EQ(unit_->seen(), kSessions);
  EXPECT_TRUE(eventually([&] { return unit_->lost() == kSessions; }));
}

TEST_F(IscsiServer, L1_SixtyFourSessionsAtOnce) {
  sixty_four_sessions();
  EXPECT_EQ(unit_->at_once, 0U);
}

TEST_F(IscsiServer, L1_SixtyFourSessionsWithAUnitThatWaitsForNothing) {
  unit_->quick = true;
  sixty_four_sessions();
  EXPECT_GT(unit_->at_once, 0U);
  EXPECT_TRUE(eventually([&] { return unit_->looked > 0 && unit_->rested > 0; }));
}

TEST_F(IscsiServer, L1_NoCommandOvertakesOneThatWaits) {
  unit_->quick = true;
  start();
  Initiator initiator(port());
  ASSERT_EQ(initiator.login(1).status, LoginStatus::kSuccess);
  Initiator other(port());
  ASSERT_EQ(other.login(2).status, LoginStatus::kSuccess);
  ASSERT_TRUE(initiator.send_command(kWait));
  ASSERT_TRUE(eventually([&] { return unit_->waiting.load(); }));
  ASSERT_TRUE(initiator.send_command(kWrite, 4, Bytes(4)));
  ASSERT_TRUE(other.send_command(kWrite, 4, Bytes(4)));
  unit_->let_go = true;
  for (std::uint32_t tag = 1; tag <= 2; ++tag) {
    const auto answer = initiator.receive();
    ASSERT_TRUE(answer && answer->is(Opcode::kScsiResponse));
    EXPECT_EQ(ScsiResponsePdu::decode(*answer).task_tag, tag);
  }
  EXPECT_TRUE(other.receive().has_value());
}

TEST_F(IscsiServer, L1_ANewSessionOfTheSamePortTakesTheOldOnesPlace) {
  start();
  Initiator old(port());
  ASSERT_EQ(old.login(7).status, LoginStatus::kSuccess);
  ASSERT_TRUE(old.send_command(kWait));
  ASSERT_TRUE(eventually([&] { return unit_->waiting.load(); }));
  Initiator fresh(port());
  ASSERT_EQ(fresh.login(7).status, LoginStatus::kSuccess);
  EXPECT_TRUE(old.client().ended());
  EXPECT_EQ(server_->sessions().size(), 1U);
  Initiator other(port());
  ASSERT_EQ(other.login(8).status, LoginStatus::kSuccess);
  EXPECT_EQ(server_->sessions().size(), 2U);
  ASSERT_TRUE(fresh.send_command(kWrite, 4, Bytes(4)));
  unit_->let_go = true;
  const auto answer = fresh.receive();
  ASSERT_TRUE(answer && answer->is(Opcode::kScsiResponse));
  EXPECT_EQ(unit_->lost(), 1U) << "the unit lost the old nexus before it saw the new one's command";
}

TEST_F(IscsiServer, L1_AConnectionCutInMidWriteLeavesNoTrace) {
  start();
  for (const bool reset : {false, true}) {
    Initiator initiator(port());
    ASSERT_EQ(initiator.login(1).status, LoginStatus::kSuccess);
    ScsiCommandPdu command{
        .write = true, .task_tag = 1, .expected_bytes = 60'000, .cmd_sn = 100, .cdb = Bytes(16)};
    command.cdb[0] = kWrite;
    const auto pdu = encode_pdu(command.encode(), Bytes(60'000, 1));
    ASSERT_TRUE(initiator.client().write(ByteView(pdu).first(30'000)));
    initiator.client().close(reset);
  }
  EXPECT_TRUE(eventually([&] { return unit_->lost() == 2; }));
  EXPECT_EQ(unit_->executed, 0U);
  EXPECT_TRUE(server_->sessions().empty());
}

TEST_F(IscsiServer, L1_TooManySessionsAndConnectionsAreRefused) {
  auto limited = config();
  limited.limits.max_sessions = 2;
  limited.limits.max_logins = 1;
  start(std::move(limited));
  Initiator first(port());
  ASSERT_EQ(first.login(1).status, LoginStatus::kSuccess);
  Initiator second(port());
  ASSERT_EQ(second.login(2).status, LoginStatus::kSuccess);
  Initiator third(port());
  EXPECT_EQ(third.login(3).status, LoginStatus::kOutOfResources);
  ASSERT_TRUE(third.client().ended());
  third.client().close();
  EXPECT_EQ(refused_, 1U);
  // One place for those who have not logged in; of two more at least one is turned away.
  PlainClient waiting(port());
  PlainClient beyond(port());
  EXPECT_TRUE(eventually([&] { return refused_ >= 2; }));
  ASSERT_TRUE(first.send_command(kWrite, 4, Bytes(4)));
  EXPECT_TRUE(first.receive().has_value()) << "the others are not disturbed";
}

TEST_F(IscsiServer, L1_AStopWaitsForLogouts) {
  start();
  Initiator initiator(port());
  ASSERT_EQ(initiator.login(1).status, LoginStatus::kSuccess);
  std::thread stopping([&] { EXPECT_TRUE(server_->stop(std::chrono::seconds{20})); });
  const auto async = initiator.receive();
  ASSERT_TRUE(async && async->is(Opcode::kAsync));
  EXPECT_EQ(AsyncPdu::decode(*async).event, AsyncEvent::kLogoutRequested);
  EXPECT_TRUE(initiator.logout());
  stopping.join();
  EXPECT_EQ(unit_->lost(), 1U);
  EXPECT_FALSE(PlainClient(port()).connected());
}

TEST_F(IscsiServer, L1_AStopCutsWhoDoesNotGo) {
  start();
  Initiator initiator(port());
  ASSERT_EQ(initiator.login(1).status, LoginStatus::kSuccess);
  PlainClient silent(port());
  EXPECT_FALSE(server_->stop(std::chrono::milliseconds{50}));
  EXPECT_FALSE(server_->stop(std::chrono::milliseconds{50})) << "the same answer again";
  EXPECT_EQ(unit_->lost(), 1U);
  EXPECT_TRUE(silent.ended());
}

TEST_F(IscsiServer, L1_AnInitiatorThatDoesNotReadIsCut) {
  auto limited = config();
  limited.limits.write_timeout = std::chrono::milliseconds{200};
  limited.limits.write_queue = 1U << 20;
  start(std::move(limited));
  Initiator initiator(port());
  ASSERT_EQ(initiator.login(1).status, LoginStatus::kSuccess);
  for (int i = 0; i < 120; ++i)
    if (!initiator.send_command(kRead, 100'000)) break;
  EXPECT_TRUE(eventually([&] { return closed_ == 1; }));
  EXPECT_TRUE(server_->sessions().empty());
}

// It keeps asking and takes no answer: nothing is read from it any more, and its time runs all the same.
TEST_F(IscsiServer, L1_ADiscoverySessionThatDoesNotReadEndsInTime) {
  auto limited = config();
  limited.limits.discovery_lifetime = std::chrono::milliseconds{300};
  limited.limits.discovery_write_queue = 64U << 10;
  start(std::move(limited));
  Initiator initiator(port());
  ASSERT_EQ(initiator.login(1, "").status, LoginStatus::kSuccess);
  const Bytes ping(200'000, 1);
  for (int i = 0; i < 1000; ++i)
    if (!initiator.send(NopOutPdu{.immediate = true, .task_tag = 5, .cmd_sn = 100}.encode(), ping)) break;
  EXPECT_TRUE(eventually([&] { return closed_ == 1; }));
  EXPECT_TRUE(server_->sessions().empty());
}

TEST_F(IscsiServer, L1_StrangeBytesEndTheConnection) {
  start();
  PlainClient client(port());
  ASSERT_TRUE(client.write(as_bytes("GET / HTTP/1.1\r\nHost: localhost\r\nAccept: everything\r\n\r\n")));
  EXPECT_TRUE(client.ended());
  EXPECT_TRUE(eventually([&] { return refused_ == 1; }));
}

TEST_F(IscsiServer, L1_APortInUseAndAWrongAddressAreErrors) {
  start();
  auto second = config();
  second.portals.front().port = port();
  const auto taken = Server::start(std::move(second), {.clock = &clock_, .random = &random_});
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().code, ErrorCode::kConflict);
  auto wrong = config();
  wrong.portals.front().address = "127.0.0.one";
  const auto odd = Server::start(std::move(wrong), {.clock = &clock_, .random = &random_});
  ASSERT_FALSE(odd.has_value());
  EXPECT_EQ(odd.error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace tapewarden::iscsi
