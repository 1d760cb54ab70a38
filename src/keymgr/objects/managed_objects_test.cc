// What a search for objects reads to find them.
#include "keymgr/objects/managed_objects.h"

#include <gtest/gtest.h>

#include "keymgr/objects/tables.h"
#include "keymgr/testing/test_server.h"
#include "kmip/tags.h"

namespace tapewarden::keymgr {
namespace {

namespace tag = kmip::tag;
using kmip::AttributeId;

// Counts the rows that come out of another reader.
class CountingReader final : public store::Reader {
 public:
  explicit CountingReader(store::Reader& reader) : reader_(reader) {}
  std::size_t rows = 0;

  using Reader::aggregate;
  using Reader::get;
  using Reader::hints;
  using Reader::query;
  Result<std::optional<store::Row>> get(const store::TableSpec& table,
                                        std::span<const store::Value> key) override {
    ++rows;
    return reader_.get(table, key);
  }
  Result<std::vector<store::Row>> query(const store::TableSpec& table, std::string_view where,
                                        std::span<const store::Value> parameters) override {
    auto out = reader_.query(table, where, parameters);
    if (out) rows += out->size();
    return out;
  }
  Result<std::vector<store::Row>> query_sound(const store::TableSpec& table, std::string_view where,
                                              std::span<const store::Value> parameters,
                                              std::vector<store::DamagedRow>& damaged) override {
    return reader_.query_sound(table, where, parameters, damaged);
  }
  Result<std::vector<store::Row>> hints(const store::TableSpec& table, std::span<const std::size_t> columns,
                                        std::string_view where,
                                        std::span<const store::Value> parameters) override {
    auto out = reader_.hints(table, columns, where, parameters);
    if (out) rows += out->size();
    return out;
  }
  Result<std::int64_t> aggregate(const store::TableSpec& table, std::string_view expression,
                                 std::string_view where, std::span<const store::Value> parameters) override {
    return reader_.aggregate(table, expression, where, parameters);
  }
  Result<crypto::SecretBytes> unseal(const store::TableSpec& table, const store::Row& row,
                                     std::size_t column) override {
    return reader_.unseal(table, row, column);
  }

 private:
  store::Reader& reader_;
};

AttributeWanted group(std::string_view name) {
  return {AttributeId::of(tag::kObjectGroup), kmip::text_item(tag::kObjectGroup, name)};
}

class ManagedObjectSearch : public ::testing::Test {
 protected:
  // In the group "all"; every `rare`-th one also in "rare".
  void make(int count, int rare) {
    ASSERT_TRUE(server_.write([&](store::Transaction& transaction) -> Status {
      for (int i = 0; i < count; ++i) {
        ManagedObject object;
        object.type = kmip::ObjectType::kOpaqueObject;
        object.owner = "library";
        object.attributes.add(AttributeId::of(tag::kObjectGroup), group("all").item);
        if (i % rare == 0) object.attributes.add(AttributeId::of(tag::kObjectGroup), group("rare").item);
        made_.push_back(TRY(objects_.add(transaction, std::move(object), {})).id);
      }
      return {};
    }));
  }
  // How many are found, and how many rows that took.
  std::pair<std::size_t, std::size_t> search(std::vector<AttributeWanted> wanted, std::size_t maximum,
                                             bool newest_first) {
    std::pair<std::size_t, std::size_t> out;
    EXPECT_TRUE(server_.keystore().read([&](store::Reader& reader) -> Status {
      CountingReader counting(reader);
      ObjectQuery query;
      query.owner = "library";
      query.wanted = std::move(wanted);
      query.maximum = maximum;
      query.newest_first = newest_first;
      const auto found = TRY(objects_.locate(counting, query));
      WallTime before = newest_first ? WallTime::max() : WallTime::min();
      for (const auto& object : found.objects) {
        EXPECT_TRUE(newest_first ? object.times.created <= before : object.times.created >= before);
        before = object.times.created;
      }
      out = {found.objects.size(), counting.rows};
      return {};
    }));
    return out;
  }

  testing::TestServer server_{1, object_tables()};
  ManagedObjects objects_{server_.manager()};
  std::vector<Uuid> made_;
};

TEST_F(ManagedObjectSearch, K21_OneOfManyIsFoundByReadingAPage) {
  constexpr int kMany = 1500;
  make(kMany, 100);
  for (const bool newest_first : {true, false}) {
    const auto [found, rows] = search({group("all")}, 1, newest_first);
    EXPECT_EQ(found, 1U);
    EXPECT_LT(rows, 30U) << "a page of what has the attribute, not all of it";
    EXPECT_EQ(search({}, 1, newest_first).first, 1U);
    EXPECT_EQ(search({group("all")}, 0, newest_first).first, std::size_t{kMany}) << "page after page";
    EXPECT_EQ(search({group("all")}, 700, newest_first).first, 700U);
    EXPECT_EQ(search({}, 0, newest_first).first, std::size_t{kMany});
  }
  const auto [rare, rows] = search({group("all"), group("rare")}, 0, true);
  EXPECT_EQ(rare, 15U);
  EXPECT_LT(rows, 100U) << "by what fewer have";
}

}  // namespace
}  // namespace tapewarden::keymgr
