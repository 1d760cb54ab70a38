// What becomes of KMIP's rows when two servers meet, and what one of them may not say.
#include "keymgr/objects/peer_objects.h"

#include <gtest/gtest.h>

#include "keymgr/data_keys.h"
#include "keymgr/objects/kmip_clients.h"
#include "keymgr/objects/managed_objects.h"
#include "keymgr/objects/tables.h"
#include "keymgr/testing/test_server.h"
#include "kmip/tags.h"
#include "ttlv/writer.h"

namespace tapewarden::keymgr {
namespace {

namespace tag = kmip::tag;
using kmip::AttributeId;
using store::Row;
using store::RowOpinion;
using testing::officer;

constexpr std::size_t kSecret = kManagedObjectSecretColumn;

const Uuid kHere = Uuid::parse("11111111-2222-4333-8444-555555555555").value();
const Uuid kThere = Uuid::parse("99999999-2222-4333-8444-555555555555").value();

Bytes application_data(std::string_view data) {
  ttlv::Writer out;
  out.begin(tag::kApplicationSpecificInformation).add_text(tag::kApplicationNamespace, "LIBRARY-LTO");
  out.add_text(tag::kApplicationData, data).end();
  return out.take();
}

ManagedObject object_of(std::string_view data) {
  ManagedObject object;
  object.id = kThere;
  object.owner = "library";
  object.server = kHere;
  object.sealed_secret = Bytes(1, 1);
  object.times.created = from_millis(1'000);
  object.changed = from_millis(1'000);
  object.attributes.set(AttributeId::of(tag::kFresh), kmip::boolean_item(tag::kFresh, true));
  object.attributes.add(AttributeId::of(tag::kApplicationSpecificInformation), application_data(data));
  return object;
}

// The rule is at rest after one step, whichever row it is merged with once more.
store::MergedRow merged(const ManagedObject& high, const ManagedObject& low, bool concurrent = true) {
  const Row a = high.to_row();
  const Row b = low.to_row();
  auto out = merge_managed_objects(kManagedObjectTable, {a, kHere}, {b, kThere}, concurrent);
  for (const Row* other : {&a, &b}) {
    const auto again = merge_managed_objects(kManagedObjectTable, {out.row, kHere}, {*other, kThere}, false);
    EXPECT_EQ(again.row, out.row);
  }
  return out;
}

ManagedObject object_in(const store::MergedRow& row) {
  return ManagedObject::from_row(row.row).value();
}

TEST(PeerObjects, K21_TwoOpinionsOfALifeBecomeTheLaterOne) {
  auto high = object_of("AA");
  auto low = high;
  high.state = KeyState::kActive;
  low.state = KeyState::kDeactivated;
  high.times.activated = from_millis(5'000);
  low.times.activated = from_millis(4'000);
  low.quarantined = from_millis(9'000);
  const auto both = object_in(merged(high, low));
  EXPECT_EQ(both.state, KeyState::kDeactivated);
  EXPECT_EQ(both.times.activated, from_millis(4'000));
  EXPECT_EQ(both.quarantined, from_millis(9'000)) << "hidden is the safer opinion";
  EXPECT_EQ(object_in(merged(high, low, false)).quarantined, kNever) << "a later release stands";
}

TEST(PeerObjects, K21_ASecretThatOneOfThemHasIsKept) {
  auto high = object_of("AA");
  const auto low = high;
  high.sealed_secret.clear();
  EXPECT_EQ(merged(high, low).secrets, store::Side::kLow);
  EXPECT_EQ(merged(low, high).secrets, store::Side::kHigh);
}

TEST(PeerObjects, K21_ServedOnEitherServerIsNotFreshAndNoConflict) {
  const auto high = object_of("AA");
  auto low = high;
  low.attributes.set(AttributeId::of(tag::kFresh), kmip::boolean_item(tag::kFresh, false));
  low.changed = from_millis(2'000);
  const auto both = merged(high, low);
  EXPECT_FALSE(both.conflict);
  EXPECT_EQ(kmip::boolean_of(object_in(both).attributes.find(AttributeId::of(tag::kFresh))),
            std::optional(false));
}

TEST(PeerObjects, K21_AttributesThatBothChangedAreAConflict) {
  EXPECT_TRUE(merged(object_of("AA"), object_of("BB")).conflict);
  EXPECT_FALSE(merged(object_of("AA"), object_of("AA")).conflict);
}

class PeerObjectRows : public ::testing::Test {
 protected:
  PeerObjectRows() : server_(1, object_tables()) {}

  Status check(const Row& row, const Row* mine = nullptr, std::string_view secret = {}) {
    return server_.keystore().read([&](store::Reader& reader) -> Status {
      const store::IncomingRow in{.row = row,
                                  .mine = mine,
                                  .version = 2,
                                  .erased = false,
                                  .sender = kThere,
                                  .self = server_.id(),
                                  .everything = false,
                                  .now = from_millis(1),
                                  .reader = reader,
                                  .secret = [&](std::size_t) -> Result<crypto::SecretBytes> {
                                    return crypto::SecretBytes::copy_of(as_bytes(secret));
                                  }};
      return check_managed_object_row(kManagedObjectTable, in);
    });
  }

  testing::TestServer server_;
};

TEST_F(PeerObjectRows, K21_ASecretAndItsMarkComeTogether) {
  auto object = object_of("AA");
  EXPECT_FALSE(check(object.to_row(), nullptr, "secret")) << "without the mark nothing would guard it";
  object.fingerprint = Bytes(16, 1);
  EXPECT_TRUE(check(object.to_row(), nullptr, "secret"));
  EXPECT_FALSE(check(object.to_row(), nullptr, ""));
  object.data_key = kHere;
  EXPECT_FALSE(check(object.to_row(), nullptr, "secret")) << "a data key's secret stands in its own row";
  EXPECT_TRUE(check(object.to_row(), nullptr, ""));
}

TEST_F(PeerObjectRows, K21_AnObjectWithASecretIsNotEndedByAnothersWord) {
  auto object = object_of("AA");
  object.fingerprint = Bytes(16, 1);
  const Row mine = object.to_row();
  object.state = KeyState::kDestroyed;
  object.sealed_secret.clear();
  EXPECT_FALSE(check(object.to_row(), &mine));
  object.state = KeyState::kCompromised;
  EXPECT_TRUE(check(object.to_row(), &mine)) << "its secret is here: it may be missing there";
}

TEST_F(PeerObjectRows, K21_NobodyMakesObjectsInAnotherServersName) {
  auto object = object_of("AA");
  const Row mine = object.to_row();
  object.server = kThere;
  EXPECT_TRUE(check(object.to_row(), &mine)) << "the sender imported it, too";
  object.server = Uuid::parse("22222222-2222-4333-8444-555555555555").value();
  EXPECT_FALSE(check(object.to_row(), &mine));
}

TEST(PeerObjects, K21_OneObjectThatBothServersImportedIsOne) {
  auto high = object_of("AA");
  auto low = high;
  high.fingerprint = Bytes(16, 1);
  low.fingerprint = Bytes(16, 2);
  low.server = kThere;
  low.times.created = from_millis(500);
  const auto both = merged(high, low);
  EXPECT_FALSE(both.conflict) << "nothing is lost";
  EXPECT_EQ(object_in(both).times.created, from_millis(500));
  EXPECT_EQ(both.row, merged(low, high).row) << "the same at both";
}

TEST_F(PeerObjectRows, K21_BadValuesAreRefused) {
  const auto good = object_of("AA");
  EXPECT_TRUE(check(good.to_row()));
  auto bad = good.to_row();
  bad[3] = std::int64_t{7};  // state
  EXPECT_FALSE(check(bad));
  bad = good.to_row();
  bad[2] = std::string(" library");
  EXPECT_FALSE(check(bad));
  bad = good.to_row();
  bad[8] = Bytes(9, 9);  // attributes
  EXPECT_FALSE(check(bad));
  bad = good.to_row();
  bad[kSecret] = Bytes();
  EXPECT_FALSE(check(bad)) << "a new object brings the box of its secret, if only of nothing";
}

class PeerObjectsArrive : public PeerObjectRows {
 protected:
  // As apply_changes() leaves it: the row is stored, its terms are not.
  void arrive(ManagedObject object, const std::optional<ManagedObject>& before = {}) {
    const Status done = server_.write([&](store::Transaction& transaction) -> Status {
      const store::Value id = to_bytes(object.id.view());
      object.sealed_secret = transaction.seal(kManagedObjectTable, {&id, 1}, "secret", {});
      TRY(transaction.put(kManagedObjectTable, object.to_row()));
      store::ApplyReport report;
      std::optional<Row> was;
      if (before) was = before->to_row();
      report.changed.push_back({std::string(kManagedObjectTable.name), {id}, was, object.to_row()});
      return objects_.take_in(transaction, report);
    });
    ASSERT_TRUE(done) << done.error().text();
  }
  std::size_t found(std::string_view data) {
    std::size_t out = 0;
    EXPECT_TRUE(server_.keystore().read([&](store::Reader& reader) -> Status {
      ObjectQuery query{
          "library", {{AttributeId::of(tag::kApplicationSpecificInformation), application_data(data)}}, {}};
      out = TRY(objects_.locate(reader, query)).objects.size();
      return {};
    }));
    return out;
  }

  ManagedObjects objects_{server_.manager()};
};

TEST_F(PeerObjectsArrive, K21_AnObjectFromThePeerIsFoundByItsAttributes) {
  const auto object = object_of("AA");
  arrive(object);
  EXPECT_EQ(found("AA"), 1U);
  auto changed = object_of("BB");
  arrive(changed, object);
  EXPECT_EQ(found("AA"), 0U);
  EXPECT_EQ(found("BB"), 1U);
  EXPECT_EQ(server_.audit_count({"kmip.object.copy"}), 1U);
}

TEST_F(PeerObjectsArrive, K21_TwoObjectsOfOneIdentifierAreToldAndNeitherIsServed) {
  const auto object = object_of("AA");
  arrive(object);
  EXPECT_EQ(found("AA"), 1U);
  const auto refuse = [&](std::string why, bool another) {
    EXPECT_TRUE(server_.write([&](store::Transaction& transaction) -> Status {
      store::ApplyReport report;
      report.refused.push_back(
          {0, std::string(kManagedObjectTable.name), to_hex(object.id.view()), std::move(why), another});
      return objects_.take_in(transaction, report);
    }));
  };
  const auto is_hidden = [&] {
    bool out = false;
    EXPECT_TRUE(server_.keystore().read([&](store::Reader& reader) -> Status {
      out = is_gone(*TRY(objects_.find(reader, object.id)));
      return {};
    }));
    return out;
  };
  refuse("it says of an officer: it changes what is written once (field state)", false);
  EXPECT_FALSE(is_hidden()) << "no words decide";
  refuse("it has another secret (field secret)", true);
  EXPECT_TRUE(is_hidden());
  EXPECT_EQ(server_.audit_count({"kmip.object.clash", object.id.text()}), 1U);
}

TEST_F(PeerObjectsArrive, K21_OneCertificateUnderTwoNamesIsToldAndTheFirstCounts) {
  const KmipClients clients(server_.manager().context());
  KmipClient first;
  first.name = "zulu";
  first.fingerprint = Hash256{5};
  ASSERT_TRUE(server_.write([&](store::Transaction& transaction) -> Status {
    first = TRY(clients.add(transaction, officer(), first));
    return {};
  }));
  auto second = first;
  second.name = second.owner = "alpha";
  second.added = first.added + std::chrono::minutes(1);
  ASSERT_TRUE(server_.write([&](store::Transaction& transaction) -> Status {
    const store::Value name = second.name;
    second.sealed_verifier = transaction.seal(kKmipClientTable, {&name, 1}, "verifier", {});
    TRY(transaction.put(kKmipClientTable, second.to_row()));
    store::ApplyReport report;
    report.changed.push_back(
        {std::string(kKmipClientTable.name), {second.name}, std::nullopt, second.to_row()});
    return objects_.take_in(transaction, report);
  }));
  EXPECT_EQ(server_.audit_count({"kmip.client.twice", "\"counts\":\"zulu\"", "\"withdraw\":\"alpha\""}), 1U);
  EXPECT_TRUE(server_.keystore().read([&](store::Reader& reader) -> Status {
    EXPECT_EQ(TRY(clients.find_by_certificate(reader, first.fingerprint))->name, "zulu");
    return {};
  }));
}

TEST_F(PeerObjectsArrive, K21_TwoObjectsOfOneCartridgeAreTold) {
  arrive(object_of("AA"));
  EXPECT_EQ(server_.audit_count({"kmip.object.twice"}), 0U);
  auto other = object_of("AA");
  other.id = kHere;
  arrive(other);
  EXPECT_EQ(server_.audit_count({"kmip.object.twice", kHere.text()}), 1U);
  EXPECT_EQ(found("AA"), 2U) << "so that a client which asks for one of them by it is given neither";
}

}  // namespace
}  // namespace tapewarden::keymgr
