// Notices on their way out: what is posted, what is tried again and what is given up.
#include "apps/webhook.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <mutex>

#include "apps/engine_keys.h"
#include "apps/notice_sink.h"
#include "base/testing/sim_env.h"
#include "net/testing/poll.h"
#include "net/testing/test_site.h"

namespace tapewarden::apps {
namespace {

namespace json = boost::json;
using engine::NoticeKind;
using net::testing::eventually;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A web server that answers as the test wants.
class WebhookServer : public ::testing::Test {
 protected:
  WebhookServer() {
    EXPECT_TRUE(write_file_atomically(sim_.disk, "/ca.pem", as_bytes(site_.authority().pem())));
    listen(0);
  }
  void listen(std::uint16_t port) {
    net::HttpServerOptions options;
    options.listen = {"127.0.0.1", port};
    auto config = site_.server_config();
    config.client_certificates = net::ClientCertificates::kNone;
    options.tls = *net::TlsContext::server(config);
    auto started = net::HttpServer::start(
        loop_, std::move(options),
        [this](const net::HttpRequest& request, const net::HttpCompletion& done) { done(answer(request)); });
    ASSERT_TRUE(started) << started.error().text();
    server_ = *std::move(started);
    port_ = server_->port();
  }
  net::HttpResponse answer(const net::HttpRequest& request) {
    const std::scoped_lock lock(mutex_);
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.target, "/hook?site=1");
    EXPECT_EQ(request.headers.get("content-type"), "application/json");
    net::HttpResponse response;
    if (!statuses_.empty()) {
      response.status = statuses_.front();
      statuses_.pop_front();
    }
    if (response.status == 200) bodies_.push_back(std::string(as_text(request.body)));
    ++requests_;
    return response;
  }
  std::unique_ptr<Webhook> start(WebhookTiming timing = {}) {
    timing.first_pause = std::chrono::milliseconds{1};
    auto started =
        Webhook::start(sim_.disk, {"127.0.0.1", port_, "/hook?site=1", "/ca.pem"}, "ENGINE", timing);
    EXPECT_TRUE(started) << started.error().text();
    return *std::move(started);
  }
  static engine::Notice notice(std::uint64_t number, NoticeKind kind = NoticeKind::kDriveOffline) {
    return {.number = number,
            .kind = kind,
            .subject = "DRIVE1",
            .text = "It is off\nline",
            .at = from_millis(1000)};
  }
  void answer_with(std::deque<unsigned> statuses) {
    const std::scoped_lock lock(mutex_);
    statuses_ = std::move(statuses);
  }
  std::vector<std::uint64_t> numbers() {
    const std::scoped_lock lock(mutex_);
    std::vector<std::uint64_t> out;
    for (const auto& body : bodies_) out.push_back(json::parse(body).at("number").to_number<std::uint64_t>());
    return out;
  }
  std::size_t requests() {
    const std::scoped_lock lock(mutex_);
    return requests_;
  }

  ::tapewarden::testing::SimEnv sim_{4};
  net::testing::TestSite site_;
  net::Loop loop_{1};
  std::unique_ptr<net::HttpServer> server_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::deque<unsigned> statuses_;
  std::vector<std::string> bodies_;
  std::size_t requests_ = 0;
};

TEST_F(WebhookServer, T11_NoticesArriveInTheirOrderAsJson) {
  const auto hook = start();
  for (std::uint64_t i = 1; i <= 3; ++i) hook->send(notice(i));
  ASSERT_TRUE(eventually([&] { return hook->health().posted == 3; }));
  EXPECT_THAT(numbers(), ElementsAre(1, 2, 3));
  const auto first = json::parse(bodies_.front()).as_object();
  EXPECT_EQ(first.at("engine"), "ENGINE");
  EXPECT_EQ(first.at("code"), "TWE004A");
  EXPECT_EQ(first.at("class"), "intervention");
  EXPECT_EQ(first.at("text"), "It is off\\x0aline");
  EXPECT_EQ(first.at("at"), "1970-01-01T00:00:01.000Z");
  EXPECT_EQ(first.at("cleared"), false);
}

TEST_F(WebhookServer, T11_WhatIsNotTakenIsTriedAgainInItsOrder) {
  answer_with({500, 429, 200});
  const auto hook = start();
  hook->send(notice(1));
  hook->send(notice(2));
  ASSERT_TRUE(eventually([&] { return hook->health().posted == 2; }));
  EXPECT_THAT(numbers(), ElementsAre(1, 2));
  EXPECT_EQ(hook->health().last_error, "");
}

TEST_F(WebhookServer, T11_TriesHaveABound) {
  answer_with({500, 500, 500, 403});
  const auto hook = start({.attempts = 3});
  hook->send(notice(1));
  ASSERT_TRUE(eventually([&] { return hook->health().dropped == 1; }));
  EXPECT_THAT(hook->health().last_error, HasSubstr("500"));
  EXPECT_EQ(requests(), 3U);
  hook->send(notice(2));  // a server that says no is not asked again
  ASSERT_TRUE(eventually([&] { return hook->health().dropped == 2; }));
  EXPECT_EQ(requests(), 4U);
  hook->send(notice(3));
  ASSERT_TRUE(eventually([&] { return hook->health().posted == 1; }));
}

TEST_F(WebhookServer, T11_AFullQueueAndTheEndWaitForNobody) {
  server_.reset();
  auto hook = start({.attempts = 1'000'000, .farewell = std::chrono::milliseconds{1}});
  for (std::uint64_t i = 0; i < kWebhookQueueLimit + 5; ++i) hook->send(notice(i));
  EXPECT_EQ(hook->health().waiting, kWebhookQueueLimit);
  EXPECT_EQ(hook->health().dropped, 5U);
  hook.reset();
}

TEST_F(WebhookServer, T11_AServerOfAnotherAuthorityGetsNothing) {
  const net::testing::TestSite other;
  EXPECT_TRUE(write_file_atomically(sim_.disk, "/ca.pem", as_bytes(other.authority().pem())));
  const auto hook = start({.attempts = 1});
  hook->send(notice(1));
  ASSERT_TRUE(eventually([&] { return hook->health().dropped == 1; }));
  EXPECT_EQ(requests(), 0U);
}

TEST(NoticeLine, T11_HasCodeAndSubjectAndNoLineOfItsOwn) {
  engine::Notice notice{.kind = NoticeKind::kDatabaseBackup,
                        .subject = "PHY001L9",
                        .text = engine::database_backup_text("PHY001L9", true)};
  EXPECT_EQ(line_of(notice), "TWE001I PHY001L9: Database Backup written to Encrypted Physical Tape PHY001L9");
  notice.kind = NoticeKind::kDriveOffline;
  notice.text = "It works\nagain";
  notice.cleared = true;
  EXPECT_EQ(line_of(notice), "TWE004A PHY001L9: cleared: It works\\x0aagain");
}

// What the watch and the check make of what key servers say; with real ones: tests/engine/.
TEST(KeyServerWatchTest, T8_EachServerIsToldOnceAndClearedWhenItServes) {
  ::tapewarden::testing::SimEnv sim(1);
  engine::Notices notices(sim.clock, nullptr);
  unsigned regained = 0;
  KeyServerWatch watch(notices, [&] { ++regained; });
  dkx::ServerStatus primary{.address = "keys1:3801",
                            .connection = dkx::Connection::kDown,
                            .failure = Error{ErrorCode::kUnavailable, "keys1:3801: refused", "", "", 0},
                            .server = {},
                            .state_text = {}};
  watch.saw(primary);
  watch.saw(primary);
  ASSERT_EQ(notices.open().size(), 1U);
  EXPECT_THAT(notices.open()[0].text, HasSubstr("primary key server keys1:3801"));
  EXPECT_THAT(notices.open()[0].text, HasSubstr("refused"));
  EXPECT_EQ(notices.since(0).size(), 1U);
  dkx::ServerStatus secondary = primary;
  secondary.role = dkx::ServerRole::kSecondary;
  secondary.address = "keys2:3801";
  secondary.connection = dkx::Connection::kUp;
  secondary.state = dkx::ServerState::kNotServing;
  secondary.state_text = "it is locked";
  watch.saw(secondary);
  EXPECT_EQ(notices.open().size(), 2U);
  EXPECT_THAT(notices.open()[1].text, HasSubstr("it is locked"));
  EXPECT_EQ(watch.usable(), 0U);
  secondary.state = dkx::ServerState::kReadsOnly;
  watch.saw(secondary);
  EXPECT_EQ(notices.open().size(), 1U);
  EXPECT_EQ(watch.usable(), 1U);
  EXPECT_EQ(regained, 1U);
  watch.close();
  primary.connection = dkx::Connection::kUp;
  primary.state = dkx::ServerState::kServing;
  watch.saw(primary);
  EXPECT_EQ(notices.open().size(), 1U) << "nobody listens any more";
}

TEST(KeyNames, T3_WhatAServerSaysOfALabelIsNamedWithWhatToDo) {
  using dkx::CheckKind;
  using dkx::CheckStatus;
  const auto judged = [](CheckKind kind, CheckStatus status, std::string text = {}) {
    return judge({{kind, "ARCHIVE"}, status, std::move(text)}, "primary keys1");
  };
  EXPECT_TRUE(judged(CheckKind::kLabel, CheckStatus::kUsable));
  EXPECT_TRUE(judged(CheckKind::kLabel, CheckStatus::kPublicHalfOnly));
  EXPECT_EQ(note_of({{CheckKind::kLabel, "ARCHIVE"}, CheckStatus::kPublicHalfOnly, "it cannot read back"},
                    "primary keys1"),
            "key label ARCHIVE (primary keys1): it cannot read back");
  EXPECT_EQ(note_of({{CheckKind::kLabel, "ARCHIVE"}, CheckStatus::kUsable, ""}, "primary keys1"), "");
  EXPECT_EQ(note_of({{CheckKind::kGroup, "DAILY"}, CheckStatus::kUsable, "a write waits"}, "primary keys1"),
            "key group DAILY (primary keys1): a write waits");
  const auto unknown = judged(CheckKind::kLabel, CheckStatus::kUnknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(unknown.error().field, "label ARCHIVE");
  EXPECT_THAT(unknown.error().message, HasSubstr("primary keys1"));
  EXPECT_THAT(unknown.error().remedy, HasSubstr("KEK"));
  EXPECT_EQ(judged(CheckKind::kGroup, CheckStatus::kUnknown).error().field, "key_group");
  EXPECT_EQ(judged(CheckKind::kGroup, CheckStatus::kExhausted).error().code, ErrorCode::kConflict);
  EXPECT_EQ(judged(CheckKind::kLabel, CheckStatus::kNotActive).error().code, ErrorCode::kConflict);
  const auto told = judged(CheckKind::kLabel, CheckStatus::kNotPermitted, "permit\nit");
  EXPECT_EQ(told.error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(told.error().remedy, "permit\\x0ait");
}

}  // namespace
}  // namespace tapewarden::apps
