// K27: quotas.
#include "keymgr/quotas.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eedk/ekm_code.h"
#include "keymgr/tables.h"
#include "keymgr/testing/test_server.h"

namespace tapewarden::keymgr::testing {
namespace {

using ::testing::HasSubstr;

struct QuotaSite : ::testing::Test {
  QuotaSite() {
    for (const TestDrive* drive : {&one, &two})
      EXPECT_TRUE(m().add_drive(operator_(), drive->serial(), drive->pins()));
    for (const char* group : {"G", "H"}) {
      EXPECT_TRUE(m().create_group(operator_(), group, {}));
      EXPECT_TRUE(m().generate_keys(operator_(), 40, "ABC", group));
    }
  }
  KeyManager& m() { return server.manager(); }
  Result<KeyAnswer> write(const TestDrive& drive, const std::string& group = "G",
                          const std::string& partition = {}) {
    auto request = drive.request(Intent::kWrite, random_uuid());
    request.group = group;
    request.caller.partition = partition;
    return server.ask(request);
  }
  bool writes(const TestDrive& drive, const std::string& group = "G") {
    return write(drive, group).has_value();
  }
  Result<KeyAnswer> read(const TestDrive& drive, const Uuid& volume, Intent intent = Intent::kRead) {
    auto request = drive.request(intent, volume);
    request.dki = m().list_keys("G", {}, {.limit = 1})->items.front().dki;
    return server.ask(request);
  }
  Quota quota(SubjectKind who, std::string subject, ObjectKind what, std::string object) {
    Quota out;
    out.subject_kind = who;
    out.subject = std::move(subject);
    out.object_kind = what;
    out.object = std::move(object);
    return out;
  }
  void add(Quota wanted) {
    const auto added = m().add_quota(officer(), wanted);
    ASSERT_TRUE(added) << added.error().text();
  }

  TestServer server;
  TestDrive one{"000000000001"};
  TestDrive two{"000000000002"};
};

TEST_F(QuotaSite, K27_SoManyWritesAnHourAndNoMore) {
  auto hourly = quota(SubjectKind::kDrive, "0000000001", ObjectKind::kGroup, "g");
  hourly.writes_hour = 3;
  add(hourly);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(writes(one));
  const auto used_before = m().group("G")->used;
  const auto refused = write(one);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kExhausted);
  EXPECT_EQ(refused.error().detail, 0xEE30U);
  EXPECT_THAT(refused.error().message, HasSubstr("3 writes in an hour"));
  EXPECT_THAT(refused.error().remedy, HasSubstr("quota"));
  EXPECT_EQ(m().group("G")->used, used_before) << "a refusal takes no key";
  EXPECT_EQ(server.audit_count({"key.refuse", "quota of drive 000000000001"}), 1U);
  EXPECT_TRUE(writes(one, "H")) << "another group";
  EXPECT_TRUE(writes(two)) << "another drive";
  server.clock.advance(std::chrono::minutes(66));
  EXPECT_TRUE(writes(one));
}

TEST_F(QuotaSite, K27_ADayIsCountedApartAndSurvivesARestart) {
  auto daily = quota(SubjectKind::kAny, "", ObjectKind::kAny, "");
  daily.writes_hour = 3;
  daily.writes_day = 4;
  add(daily);
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(writes(i == 0 ? one : two, i == 1 ? "H" : "G")) << "all count together";
  EXPECT_FALSE(writes(one));
  server.clock.advance(std::chrono::hours(2));
  EXPECT_TRUE(writes(one));
  server.restart();
  const auto refused = write(two, "H");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("4 writes in a day"));
  server.clock.advance(std::chrono::hours(23));
  EXPECT_TRUE(writes(two, "H")) << "the first three are past";
}

TEST_F(QuotaSite, K27_DistinctVolumesAreCountedNotReads) {
  auto bulk = quota(SubjectKind::kDrive, "000000000001", ObjectKind::kGroup, "G");
  bulk.reads_hour = 2;
  add(bulk);
  ASSERT_TRUE(writes(one)) << "writing has no limit here";
  const Uuid a = random_uuid();
  const Uuid b = random_uuid();
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(read(one, a)) << "the same volume again";
  EXPECT_TRUE(read(one, b, Intent::kAppend)) << "appending gives the key out as well";
  const auto refused = read(one, random_uuid());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("2 volumes read in an hour"));
  EXPECT_TRUE(read(one, a)) << "one that is counted already";
  EXPECT_FALSE(read(one, random_uuid(), Intent::kAppend)) << "appending is no way around";
  EXPECT_TRUE(read(two, random_uuid()));
  server.clock.advance(std::chrono::minutes(61));
  EXPECT_TRUE(read(one, random_uuid()));
}

TEST_F(QuotaSite, K27_ARepeatedRequestIsNotCountedTwice) {
  auto tight = quota(SubjectKind::kAny, "", ObjectKind::kGroup, "G");
  tight.writes_hour = 1;
  add(tight);
  auto request = one.request(Intent::kWrite, random_uuid());
  request.group = "G";
  const auto first = server.ask(request);
  ASSERT_TRUE(first);
  for (int i = 0; i < 3; ++i) {
    const auto again = server.ask(request);
    ASSERT_TRUE(again) << again.error().text();
    EXPECT_EQ(again->alias, first->alias);
  }
  EXPECT_FALSE(writes(one));
  EXPECT_EQ(m().list_quotas()->front().writes_hour, 1);
}

TEST_F(QuotaSite, K27_EightyPercentIsAnnouncedOnce) {
  auto ten = quota(SubjectKind::kAny, "", ObjectKind::kGroup, "G");
  ten.writes_hour = 10;
  add(ten);
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(writes(one));
  EXPECT_EQ(server.audit_count({"quota.warning"}), 0U);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(writes(one));
  EXPECT_EQ(server.audit_count({"quota.warning", "\"used\":\"8\""}), 1U);
  EXPECT_FALSE(writes(one));
}

TEST_F(QuotaSite, K27_APartitionAndAProxyAreCounted) {
  Hash256 proxy{};
  proxy.fill(3);
  for (const TestDrive* drive : {&one, &two}) {
    ASSERT_TRUE(m().allow_proxy(operator_(), proxy, "library", drive->serial()));
  }
  auto partition = quota(SubjectKind::kPartition, "Lib1", ObjectKind::kGroup, "G");
  partition.writes_hour = 2;
  add(partition);
  auto whole = quota(SubjectKind::kProxy, to_hex(proxy), ObjectKind::kAny, "");
  whole.writes_hour = 3;
  add(whole);
  const auto by_proxy = [&](const TestDrive& drive, const std::string& name) {
    auto request = drive.request(Intent::kWrite, random_uuid());
    request.group = "G";
    request.caller.proxy = proxy;
    request.caller.proxy_name = "library";
    request.caller.partition = name;
    return server.ask(request);
  };
  EXPECT_TRUE(by_proxy(one, "LIB1"));
  EXPECT_TRUE(by_proxy(two, "lib1"));
  EXPECT_THAT(by_proxy(one, "lib1").error().message, HasSubstr("partition LIB1"));
  EXPECT_TRUE(by_proxy(one, "lib2"));
  EXPECT_THAT(by_proxy(two, "lib2").error().message, HasSubstr("proxy"));
  EXPECT_TRUE(writes(one)) << "without the proxy";
}

TEST_F(QuotaSite, K27_WrappedWritesCountUnderEveryLabelOfTheirKeks) {
  TestDrive drive{"000000000003", DriveKind::k3592};
  ASSERT_TRUE(m().add_drive(operator_(), drive.serial(), drive.pins()));
  NewKek kek{rsa_certificate(shared_rsa(1), "kek"), shared_rsa(1), {"A", "B"}, KeyOrigin::kImported};
  ASSERT_TRUE(server.write([&](store::Transaction& t) -> Status {
    (void)TRY(m().keks().add(t, officer(), kek));
    return {};
  }));
  auto labelled = quota(SubjectKind::kAny, "", ObjectKind::kLabel, "b");
  labelled.writes_day = 1;
  add(labelled);
  const auto ask = [&] {
    auto request = drive.request(Intent::kWrite, random_uuid());
    request.labels = {{"A", LabelMode::kClear}};
    return server.ask(request).has_value();
  };
  EXPECT_TRUE(ask());
  EXPECT_FALSE(ask()) << "a second label is no way around";
}

TEST_F(QuotaSite, K27_BadQuotasAreRefused) {
  const auto field = [&](Quota wanted) { return m().add_quota(officer(), wanted).error().field; };
  auto base = quota(SubjectKind::kDrive, "000000000001", ObjectKind::kGroup, "G");
  EXPECT_EQ(field(base), "writes_hour") << "no limit at all";
  base.writes_hour = -1;
  EXPECT_EQ(field(base), "writes_hour");
  base.writes_hour = 5;
  auto bad = base;
  bad.subject = "12";
  EXPECT_EQ(field(bad), "serial");
  bad = base;
  bad.subject_kind = SubjectKind::kProxy;
  EXPECT_FALSE(m().add_quota(officer(), bad));
  bad = base;
  bad.object_kind = ObjectKind::kAny;
  EXPECT_EQ(field(bad), "object");
  add(base);
  EXPECT_EQ(m().add_quota(officer(), base).error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(m().remove_quota(officer(), random_uuid()).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(m().remove_quota(officer(), m().list_quotas()->front().quota.id));
  EXPECT_TRUE(m().list_quotas()->empty());
  EXPECT_EQ(server.audit_count({"quota.remove"}), 1U);
}

TEST_F(QuotaSite, K27_CountersStayBounded) {
  auto daily = quota(SubjectKind::kAny, "", ObjectKind::kAny, "");
  daily.writes_day = 1'000'000;
  add(daily);
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(writes(one));
    server.clock.advance(std::chrono::hours(1) + std::chrono::minutes(25));
  }
  ASSERT_TRUE(server.keystore().read([&](store::Reader& reader) -> Status {
    EXPECT_LE(TRY(reader.aggregate(kQuotaWritesTable, "COUNT(*)", "1", {})), 289);
    return {};
  }));
  EXPECT_LE(m().list_quotas()->front().writes_day, 18);
  EXPECT_GE(m().list_quotas()->front().writes_day, 16);
}

}  // namespace
}  // namespace tapewarden::keymgr::testing
