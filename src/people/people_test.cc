#include "people/people.h"

#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/real_env.h"
#include "base/testing/sim_env.h"
#include "crypto/random.h"
#include "people/tables.h"
#include "store/testing/memory_commit_log.h"

namespace tapewarden::people {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

crypto::SecretBytes secret(std::string_view text) {
  return crypto::SecretBytes::copy_of(as_bytes(text));
}

class PeopleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    store::KeystoreOptions options;
    options.path = directory_.file("keystore.db");
    options.server = Uuid::random(random_);
    options.tables = {&people_table()};
    auto opened = store::Keystore::open(env(), options, crypto::random_secret(random_, 32), log_);
    ASSERT_TRUE(opened) << opened.error().text();
    keystore_ = std::move(*opened);
    PeopleOptions people_options;
    people_options.cost = {1U << 4, 8, 1};
    people_ = std::make_unique<People>(env(), *keystore_, people_options);
    create("anna", Role::kSecurityOfficer, "anna's long password");
  }
  void TearDown() override {
    people_.reset();
    keystore_.reset();
  }

  Env env() { return {&clock_, &disk_, &random_, &executor_}; }

  void create(std::string_view name, Role role, std::string_view password) {
    const auto hidden = secret(password);
    const auto made = people_->create(local_principal("test"), {std::string(name), role, &hidden, {}});
    ASSERT_TRUE(made) << made.error().text();
  }
  Result<Login> log_in(std::string_view name, std::string_view password,
                       std::string_view from = "192.0.2.1") {
    return people_->log_in(name, secret(password), from);
  }
  Principal principal(std::string_view name, Role role) {
    return {std::string(name), role, LoginMethod::kPassword, "192.0.2.1"};
  }

  testing::SimClock clock_;
  RealDisk disk_;
  crypto::SystemRandom random_;
  ThreadPool executor_{2};
  store::testing::MemoryCommitLog log_;
  store::testing::TemporaryDirectory directory_;
  std::unique_ptr<store::Keystore> keystore_;
  std::unique_ptr<People> people_;
};

TEST_F(PeopleTest, K22_PasswordLoginGivesASessionOfTheRole) {
  const auto login = log_in("Anna", "anna's long password");
  ASSERT_TRUE(login) << login.error().text();
  EXPECT_EQ(login->token.size(), kTokenTextBytes);
  const auto who = people_->authenticate(login->token.reveal());
  ASSERT_TRUE(who);
  EXPECT_EQ(who->name, "anna");
  EXPECT_EQ(who->role, Role::kSecurityOfficer);
  EXPECT_EQ(who->source, "192.0.2.1");
}

TEST_F(PeopleTest, K22_WrongPasswordUnknownNameAndDisabledAccountLookAlike) {
  create("otto", Role::kOperator, "otto's long password");
  ASSERT_TRUE(people_->change(principal("anna", Role::kSecurityOfficer), "otto", {.disabled = true}));
  const auto wrong = log_in("anna", "not her password");
  const auto unknown = log_in("nobody", "anna's long password");
  const auto disabled = log_in("otto", "otto's long password");
  const auto unusable = log_in("\x1b[31m", "anna's long password");
  for (const auto* refused : {&wrong, &unknown, &disabled, &unusable}) {
    ASSERT_FALSE(*refused);
    EXPECT_EQ(refused->error().code, ErrorCode::kUnauthenticated);
    EXPECT_EQ(refused->error().text(), wrong.error().text());
  }
}

TEST_F(PeopleTest, K22_EveryLoginAndRefusalIsAudited) {
  const auto before = log_.records().size();
  ASSERT_TRUE(log_in("anna", "anna's long password"));
  ASSERT_FALSE(log_in("anna\n{\"forged\":1}", "guess guess guess"));
  auto lines = log_.records();
  lines.erase(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(before));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_THAT(lines[0], HasSubstr("session.login"));
  EXPECT_THAT(lines[0], HasSubstr("success"));
  EXPECT_THAT(lines[1], HasSubstr("failure"));
  for (const auto& line : lines) {
    EXPECT_THAT(line, Not(HasSubstr("\n")));
    EXPECT_THAT(line, Not(HasSubstr("password\":\"anna")));
    EXPECT_THAT(line, Not(HasSubstr("guess guess")));
  }
}

TEST_F(PeopleTest, K22_SessionEndsByIdleTimeAbsoluteTimeAndLogout) {
  auto idle = log_in("anna", "anna's long password");
  ASSERT_TRUE(idle);
  clock_.advance(minutes(14));
  EXPECT_TRUE(people_->authenticate(idle->token.reveal()));
  clock_.advance(minutes(15));
  EXPECT_FALSE(people_->authenticate(idle->token.reveal()));

  auto busy = log_in("anna", "anna's long password");
  ASSERT_TRUE(busy);
  for (int i = 0; i < 71; ++i) {  // 11 h 50 min in use
    clock_.advance(minutes(10));
    ASSERT_TRUE(people_->authenticate(busy->token.reveal())) << i;
  }
  clock_.advance(minutes(10));
  EXPECT_FALSE(people_->authenticate(busy->token.reveal()));

  auto left = log_in("anna", "anna's long password");
  ASSERT_TRUE(left);
  ASSERT_TRUE(people_->log_out(left->token.reveal()));
  EXPECT_FALSE(people_->authenticate(left->token.reveal()));
  EXPECT_FALSE(people_->log_out(left->token.reveal()));
}

TEST_F(PeopleTest, K22_AWallClockStepEndsAndRevivesNoSession) {
  auto login = log_in("anna", "anna's long password");
  ASSERT_TRUE(login);
  clock_.step_wall(std::chrono::hours(1000));
  EXPECT_TRUE(people_->authenticate(login->token.reveal()));
  clock_.advance(minutes(16));
  clock_.step_wall(-std::chrono::hours(2000));
  EXPECT_FALSE(people_->authenticate(login->token.reveal()));
}

TEST_F(PeopleTest, K22_ChangesOfTheAccountEndItsSessionsAtOnce) {
  const auto anna = principal("anna", Role::kSecurityOfficer);
  const auto password = secret("another long password");
  create("otto", Role::kOperator, "otto's long password");
  const std::vector<std::function<Status()>> changes{
      [&] { return people_->change(anna, "otto", {.role = Role::kAuditor}); },
      [&] { return people_->change(anna, "otto", {.disabled = true}); },
  };
  for (const auto& change : changes) {
    auto login = log_in("otto", "otto's long password");
    ASSERT_TRUE(login);
    ASSERT_TRUE(change());
    EXPECT_FALSE(people_->authenticate(login->token.reveal()));
  }
  ASSERT_TRUE(people_->change(anna, "otto", {.disabled = false}));
  auto login = log_in("otto", "otto's long password");
  ASSERT_TRUE(login);
  ASSERT_TRUE(people_->set_password(anna, "otto", password, nullptr));
  EXPECT_FALSE(people_->authenticate(login->token.reveal()));
  auto again = log_in("otto", "another long password");
  ASSERT_TRUE(again);
  ASSERT_TRUE(people_->remove(anna, "otto"));
  create("otto", Role::kSecurityOfficer, "otto's long password");
  EXPECT_FALSE(people_->authenticate(again->token.reveal()));
}

TEST_F(PeopleTest, K22_GuessingIsSlowedButTheUsualPlaceStaysOpen) {
  ASSERT_TRUE(log_in("anna", "anna's long password", "192.0.2.1"));
  // Guessing from many addresses, until the name itself is slowed.
  for (int i = 0; i < 40; ++i) {
    ASSERT_FALSE(log_in("anna", "a wrong password", "198.51.100." + std::to_string(i)));
  }
  const auto elsewhere = log_in("anna", "anna's long password", "203.0.113.9");
  ASSERT_FALSE(elsewhere);
  EXPECT_EQ(elsewhere.error().code, ErrorCode::kExhausted);
  EXPECT_TRUE(log_in("anna", "anna's long password", "192.0.2.1"));
  // No delay is longer than a minute, however long the guessing went on.
  clock_.advance(seconds(60));
  EXPECT_TRUE(log_in("anna", "anna's long password", "203.0.113.9"));
}

TEST_F(PeopleTest, K22_AttemptsInsideADelayAreRefusedUncheckedAndCounted) {
  for (int i = 0; i < 4; ++i) ASSERT_FALSE(log_in("anna", "a wrong password"));
  for (int i = 0; i < 7; ++i) {
    const auto refused = log_in("anna", "anna's long password");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kExhausted);
  }
  clock_.advance(seconds(1));
  ASSERT_TRUE(log_in("anna", "anna's long password"));
  EXPECT_THAT(log_.records().back(), HasSubstr("\"refused_unchecked\":\"7\""));
}

TEST_F(PeopleTest, K22_CertificateLoginIsNeverSlowed) {
  Hash256 fingerprint{};
  fingerprint.fill(7);
  const auto anna = principal("anna", Role::kSecurityOfficer);
  ASSERT_TRUE(people_->change(anna, "anna", {.certificate_fingerprint = to_bytes(fingerprint)}));
  for (int i = 0; i < 60; ++i) (void)log_in("anna", "a wrong password");
  const auto login = people_->log_in_with_certificate(fingerprint, "192.0.2.1");
  ASSERT_TRUE(login) << login.error().text();
  EXPECT_EQ(people_->authenticate(login->token.reveal())->method, LoginMethod::kCertificate);
  fingerprint.fill(8);
  EXPECT_FALSE(people_->log_in_with_certificate(fingerprint, "192.0.2.1"));
  const auto taken = people_->create(anna, {"bert", Role::kAuditor, nullptr, [] {
                                              Hash256 same;
                                              same.fill(7);
                                              return same;
                                            }()});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().field, "certificate_fingerprint");
}

TEST_F(PeopleTest, K22_TheLastOfficerStays) {
  const auto anna = principal("anna", Role::kSecurityOfficer);
  const std::vector<Status> refused{
      people_->remove(anna, "anna"),
      people_->change(anna, "anna", {.role = Role::kOperator}),
      people_->change(anna, "anna", {.disabled = true}),
  };
  for (const auto& status : refused) {
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kConflict);
  }
  create("berta", Role::kSecurityOfficer, "berta's long password");
  const auto own = people_->remove(anna, "Anna");
  ASSERT_FALSE(own) << "nobody is locked out by a slip of his own";
  EXPECT_EQ(own.error().field, "name");
  EXPECT_TRUE(people_->remove(principal("berta", Role::kSecurityOfficer), "anna"));
}

TEST_F(PeopleTest, K22_OnlyOfficersManagePeopleAndOwnPasswordNeedsTheCurrentOne) {
  create("otto", Role::kOperator, "otto's long password");
  const auto otto = principal("otto", Role::kOperator);
  const auto next = secret("the next long password");
  const auto current = secret("otto's long password");
  const auto wrong = secret("not otto's password");
  EXPECT_EQ(people_->set_password(otto, "anna", next, nullptr).error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(people_->create(otto, {"x", Role::kAuditor, &next, {}}).error().code,
            ErrorCode::kPermissionDenied);
  EXPECT_EQ(people_->set_password(otto, "otto", next, nullptr).error().field, "current_password");
  EXPECT_EQ(people_->set_password(otto, "otto", next, &wrong).error().code, ErrorCode::kUnauthenticated);
  EXPECT_TRUE(people_->set_password(otto, "otto", next, &current));
  EXPECT_TRUE(log_in("otto", "the next long password"));
}

TEST_F(PeopleTest, K22_BadNamesAndPasswordsNameTheirField) {
  const auto anna = principal("anna", Role::kSecurityOfficer);
  const auto good = secret("a good long password");
  const auto brief = secret("short");
  const auto vast = secret(std::string(kPasswordLimit + 1, 'x'));
  const auto like_name = secret("bartholomew-x");
  for (const char* name : {"", "-x", "a b", "a/b", "ä", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    const auto made = people_->create(anna, {name, Role::kAuditor, &good, {}});
    ASSERT_FALSE(made) << name;
    EXPECT_EQ(made.error().field, "name");
  }
  EXPECT_EQ(people_->create(anna, {"b", Role::kAuditor, &brief, {}}).error().field, "password");
  EXPECT_EQ(people_->create(anna, {"b", Role::kAuditor, &vast, {}}).error().field, "password");
  EXPECT_EQ(people_->create(anna, {"bartholomew-x", Role::kAuditor, &like_name, {}}).error().field,
            "password");
  EXPECT_EQ(people_->create(anna, {"b", Role::kAuditor, nullptr, {}}).error().field, "password");
  EXPECT_EQ(people_->create(anna, {"ANNA", Role::kAuditor, &good, {}}).error().code,
            ErrorCode::kAlreadyExists);
  EXPECT_EQ(people_->list()->size(), 1U);
}

TEST(Roles, K22_AuditorChangesNothing) {
  for (int i = 0; i <= static_cast<int>(kLastPermission); ++i) {
    const auto permission = static_cast<Permission>(i);
    EXPECT_TRUE(allowed(Role::kSecurityOfficer, permission));
    const bool reads = permission == Permission::kOwnAccount || permission == Permission::kView ||
                       permission == Permission::kViewAudit;
    EXPECT_EQ(allowed(Role::kAuditor, permission), reads) << to_string(permission);
  }
  EXPECT_FALSE(allowed(Role::kOperator, Permission::kExportKeys));
  EXPECT_FALSE(allowed(Role::kOperator, Permission::kManagePeople));
}

TEST(Sessions, K22_CountIsBoundedAndTheLongestIdleGoesFirst) {
  testing::SimEnv sim(1);
  SessionTable table(sim.env(), {.total = 3, .each = 2});
  const auto open = [&](const char* person) {
    sim.clock.advance(milliseconds(1));
    return table.open({person, 0, LoginMethod::kPassword, "s", {}, {}});
  };
  const auto a1 = open("a");
  const auto a2 = open("a");
  const auto a3 = open("a");  // a1 goes
  EXPECT_FALSE(table.use(a1.reveal()));
  const auto b = open("b");
  const auto c = open("c");  // a2 goes
  EXPECT_FALSE(table.use(a2.reveal()));
  EXPECT_TRUE(table.use(a3.reveal()));
  EXPECT_TRUE(table.use(b.reveal()));
  EXPECT_TRUE(table.use(c.reveal()));
  EXPECT_EQ(table.size(), 3U);
  EXPECT_FALSE(table.use(as_bytes("")));
  EXPECT_FALSE(table.use(as_bytes(std::string(kTokenTextBytes, '0'))));
}

TEST(Throttle, K22_ForgetsTheOldestCountWhenFull) {
  testing::SimClock clock;
  LoginThrottle throttle(clock, {.entries = 16});
  for (int i = 0; i < 1000; ++i) {
    clock.advance(milliseconds(1));
    (void)throttle.admit("name" + std::to_string(i), "source" + std::to_string(i));
  }
  EXPECT_EQ(throttle.admit("name0", "source0").wait, milliseconds(0));
}

}  // namespace
}  // namespace tapewarden::people
