// A KMIP server among many connections that do nothing, or next to nothing: who behaves is served meanwhile,
// and beyond its limits it refuses and goes on.
#include <atomic>
#include <gmock/gmock.h>
#include <sys/resource.h>

#include "base/concat.h"
#include "kmip/kmip_site.h"
#include "net/testing/plain_client.h"

namespace tapewarden::testing {
namespace {

constexpr unsigned kIdle = 300;
constexpr unsigned kSlow = 200;       // a byte a second
constexpr unsigned kHalfway = 200;    // half a message, then nothing
constexpr unsigned kHalfOpen = 300;   // half a ClientHello, then nothing: more than may shake hands at once
constexpr unsigned kMost = 1024;      // connections of the primary
constexpr unsigned kMostOfOne = 300;  // and of one address at the secondary
constexpr unsigned kTooMany = 20;     // tried beyond a limit
constexpr unsigned kAtOnce = 32;      // handshakes of a crowd
constexpr int kRounds = 5;
constexpr rlim_t kUsualLimit = 1024;  // on open files, of a program that nobody gave another
constexpr rlim_t kOwnLimit = 8192;    // of this program: it has the other end of each connection

// The beginning of a request of 1,000 bytes more.
const Bytes kBeginning{0x42, 0x00, 0x78, 0x01, 0x00, 0x00, 0x03, 0xE8, 0x42, 0x00, 0x77, 0x01};

void set_own_limit(rlim_t files) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  ASSERT_GE(limit.rlim_max, files) << "this test needs a higher hard limit on open files";
  limit.rlim_cur = files;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

// Clients of one certificate. Those that connected stay until the crowd is gone.
class Crowd {
 public:
  explicit Crowd(net::Loop& loop, net::FramedClientOptions how) : loop_(loop), how_(std::move(how)) {}

  // So many more; returns when each is connected or refused.
  void grow(unsigned by) {
    for (unsigned i = 0; i < by; ++i) {
      clients_.push_back(net::FramedClient::connect(loop_, how_, std::make_shared<Visitor>(counts_)));
      if (i % kAtOnce == kAtOnce - 1 || i + 1 == by) {
        ASSERT_TRUE(eventually([&] { return connected() + refused() == clients_.size(); }));
      }
    }
  }
  void send(const Bytes& bytes) {
    for (const auto& client : clients_) client->send(bytes);
  }
  unsigned connected() const { return counts_->connected; }
  unsigned refused() const { return counts_->refused; }
  // Were connected, and are no more.
  unsigned ended() const { return counts_->ended; }

 private:
  struct Counts {
    std::atomic<unsigned> connected = 0;
    std::atomic<unsigned> refused = 0;
    std::atomic<unsigned> ended = 0;
  };
  class Visitor final : public net::ClientHandler {
   public:
    explicit Visitor(std::shared_ptr<Counts> counts) : counts_(std::move(counts)) {}
    void on_connected(const net::SessionInfo&) override {
      ++counts_->connected;
      connected_ = true;
    }
    void on_message(Bytes) override {}
    void on_closed(const Error&) override { ++(connected_ ? counts_->ended : counts_->refused); }

   private:
    const std::shared_ptr<Counts> counts_;
    bool connected_ = false;
  };

  net::Loop& loop_;
  const net::FramedClientOptions how_;
  const std::shared_ptr<Counts> counts_ = std::make_shared<Counts>();
  std::vector<std::unique_ptr<net::FramedClient>> clients_;
};

// Sockets that begin a handshake and leave it at that.
void open_halfway(std::vector<net::testing::PlainClient>& sockets, std::uint16_t port) {
  for (unsigned i = 0; i < kHalfOpen; ++i) {
    sockets.emplace_back(port);
    sockets.back().write(Bytes{0x16, 0x03, 0x01, 0x02, 0x00});
  }
}

class KmipCrowd : public KmipSite {
 protected:
  static void SetUpTestSuite() {
    set_own_limit(kUsualLimit);  // the servers begin with it
    start_site({concat("connections = ", kMost, "\nconnections_per_address = ", kMost, "\n"),
                concat("connections_per_address = ", kMostOfOne, "\n")});
    set_own_limit(kOwnLimit);
  }
  static Result<Crowd> crowd_of(const Identity& identity, Which which = Which::kPrimary) {
    return Crowd(site().loop(), TRY(kmip_client(site(), kmip_port(which), identity)));
  }
  static void expect_served(KmipLink& link, const std::string& data) {
    const auto made = make_key(link, data);
    TW_ASSERT_OK(made);
    const auto found = link.ask({locate_key(data), get_key()});
    TW_ASSERT_OK(found);
    EXPECT_EQ(found->at(1).key(), made->key);
  }
};

TEST_F(KmipCrowd, K21_AThousandIdleAndSlowConnectionsLeaveItServing) {
  const auto client = registered("library-1");
  const auto other = registered("library-2");
  TW_ASSERT_OK(client);
  TW_ASSERT_OK(other);
  auto link = connect(*client);
  auto idle = crowd_of(*other);
  auto slow = crowd_of(*other);
  auto halfway = crowd_of(*other);
  TW_ASSERT_OK(link);
  TW_ASSERT_OK(idle);
  idle->grow(kIdle);
  slow->grow(kSlow);
  halfway->grow(kHalfway);
  ASSERT_EQ(idle->connected() + slow->connected() + halfway->connected(), kIdle + kSlow + kHalfway);
  halfway->send(kBeginning);
  for (int round = 0; round < kRounds; ++round) {
    std::vector<net::testing::PlainClient> half_open;
    open_halfway(half_open, kmip_port());
    slow->send({kBeginning.at(static_cast<std::size_t>(round))});
    expect_served(*link, concat("7A", round));
    auto newcomer = connect(*client);
    TW_ASSERT_OK(newcomer);
    expect_served(*newcomer, concat("7B", round));
    TW_EXPECT_OK(rest().get("/v1/status"));
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  EXPECT_EQ(idle->ended(), 0U) << "who is idle may stay";
}

TEST_F(KmipCrowd, K21_BeyondItsConnectionsNewOnesAreRefusedAndTheOthersServed) {
  const auto client = registered("library-3");
  TW_ASSERT_OK(client);
  auto link = connect(*client);
  TW_ASSERT_OK(link);
  {
    auto crowd = crowd_of(*client);
    TW_ASSERT_OK(crowd);
    while (crowd->refused() < kTooMany && crowd->connected() < kMost) crowd->grow(kTooMany);
    EXPECT_GE(crowd->refused(), kTooMany);
    expect_served(*link, "8A");
    EXPECT_FALSE(connect(*client));
  }
  EXPECT_TRUE(eventually([&] { return connect(*client).has_value(); })) << "there is room again";
  EXPECT_THAT(site().log(Which::kPrimary), ::testing::HasSubstr("refused: too many connections"));
}

TEST_F(KmipCrowd, K21_OneAddressHasNoMoreConnectionsThanItMay) {
  const auto client = registered("library-4");
  TW_ASSERT_OK(client);
  auto link = connect(*client, Which::kSecondary);
  auto crowd = crowd_of(*client, Which::kSecondary);
  TW_ASSERT_OK(link);
  TW_ASSERT_OK(crowd);
  crowd->grow(kMostOfOne + kTooMany);
  EXPECT_EQ(crowd->connected(), kMostOfOne - 1);
  EXPECT_EQ(crowd->refused(), kTooMany + 1);
  expect_served(*link, "9A");
}

TEST_F(KmipCrowd, K21_AServerThatMayNotHaveItsConnectionsSaysSoAndDoesNotStart) {
  const auto run = run_command({"/usr/bin/prlimit", "--nofile=1024:1536", program("tapewarden-keyd"), "run",
                                "--config", site().folder(Which::kPrimary) + "/keyd.toml"},
                               site().path("few-files.log"));
  TW_ASSERT_OK(run);
  EXPECT_EQ(run->end.exit_code, 1);
  EXPECT_THAT(run->output,
              ::testing::HasSubstr("may open 1536 files and connections at once, but needs 2048"));
  EXPECT_THAT(run->output, ::testing::HasSubstr("LimitNOFILE=10240"));
  EXPECT_THAT(run->output, ::testing::HasSubstr("kmip.connections"));
}

}  // namespace
}  // namespace tapewarden::testing
