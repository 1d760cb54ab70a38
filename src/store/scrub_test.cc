// A secret that was taken out of its row is gone from the files.
#include <algorithm>
#include <atomic>
#include <future>
#include <gtest/gtest.h>
#include <thread>

#include "store/committer.h"
#include "store/sqlite/connection.h"
#include "store/store_test_tables.h"

namespace tapewarden::store::testing {
namespace {

constexpr std::chrono::milliseconds kPatience{10'000};

bool holds(const std::string& path, ByteView wanted) {
  const Bytes content = file_content(path);
  return std::search(content.begin(), content.end(), wanted.begin(), wanted.end()) != content.end();
}

bool anywhere(const Fixture& f, ByteView wanted) {
  return holds(f.path(), wanted) || holds(f.path() + "-wal", wanted) || holds(f.path() + "-shm", wanted);
}

Bytes box_of(Keystore& keystore, const std::string& alias) {
  Bytes box;
  const Status read = keystore.read([&](Reader& reader) -> Status {
    box = blob(**reader.get(kKeys, {alias}), kSecret);
    return {};
  });
  EXPECT_TRUE(read);
  return box;
}

Status forget(Keystore& keystore, const std::string& alias) {
  const auto done = keystore.write([&](Transaction& transaction) -> Status {
    Row row = **transaction.get(kKeys, {alias});
    row[kSecret] = Bytes();
    return transaction.put(kKeys, row);
  });
  return done ? Status() : std::unexpected(done.error());
}

TEST(Scrub, K10_ATakenOutSecretIsInNoFile) {
  Fixture f;
  ASSERT_TRUE(f.open());
  // Neighbours before and after, so that the row lies in the middle of full pages.
  for (int i = 0; i < 500; ++i)
    ASSERT_TRUE(add_key(*f.keystore, "K" + std::to_string(1000 + i), "secret", "g", i));
  std::vector<Bytes> boxes;
  for (int i = 100; i < 110; ++i) boxes.push_back(box_of(*f.keystore, "K" + std::to_string(1000 + i)));
  for (const Bytes& box : boxes) EXPECT_TRUE(anywhere(f, box)) << "else this test would prove nothing";
  for (int i = 100; i < 110; ++i) ASSERT_TRUE(forget(*f.keystore, "K" + std::to_string(1000 + i)));
  ASSERT_TRUE(f.keystore->wait_scrubbed(kPatience));
  for (const Bytes& box : boxes) EXPECT_FALSE(anywhere(f, box));
  EXPECT_EQ(*read_key(*f.keystore, "K1111"), "secret") << "and the others are there";
  EXPECT_TRUE(f.keystore->verify()->empty());
  f.close();
  for (const Bytes& box : boxes) EXPECT_FALSE(anywhere(f, box));
}

TEST(Scrub, K10_AnErasedAndAReplacedSecretAreGoneToo) {
  Fixture f;
  ASSERT_TRUE(f.open());
  for (const char* alias : {"A", "B", "C"}) ASSERT_TRUE(add_key(*f.keystore, alias, "secret"));
  const Bytes erased = box_of(*f.keystore, "A");
  const Bytes replaced = box_of(*f.keystore, "B");
  ASSERT_TRUE(f.keystore->write([](Transaction& t) { return t.erase(kKeys, {std::string("A")}); }));
  ASSERT_TRUE(f.keystore->write([](Transaction& t) { return put_key(t, "B", "another"); }));
  ASSERT_TRUE(f.keystore->wait_scrubbed(kPatience));
  EXPECT_FALSE(anywhere(f, erased));
  EXPECT_FALSE(anywhere(f, replaced));
  EXPECT_TRUE(anywhere(f, box_of(*f.keystore, "C")));
}

TEST(Scrub, K10_AReaderInTheWayDelaysItAndItIsDoneWhenHeLeaves) {
  Fixture f;
  ASSERT_TRUE(f.open());
  ASSERT_TRUE(add_key(*f.keystore, "A", "secret"));
  const Bytes box = box_of(*f.keystore, "A");
  std::promise<void> inside;
  std::promise<void> leave;
  std::thread reader([&] {
    (void)f.keystore->read([&](Reader& r) -> Status {
      (void)r.get(kKeys, {std::string("A")});
      inside.set_value();
      leave.get_future().wait();
      return {};
    });
  });
  inside.get_future().wait();
  ASSERT_TRUE(forget(*f.keystore, "A"));
  EXPECT_EQ(f.keystore->wait_scrubbed(std::chrono::milliseconds(100)).error().code, ErrorCode::kTimeout);
  EXPECT_TRUE(add_key(*f.keystore, "B", "secret")) << "the keystore goes on meanwhile";
  leave.set_value();
  reader.join();
  ASSERT_TRUE(f.keystore->wait_scrubbed(kPatience));
  EXPECT_FALSE(anywhere(f, box));
}

// Reads come and go all the time, also while the log is moved: it begins anew all the same.
TEST(Scrub, K16_TheLogDoesNotGrowWhileItIsRead) {
  Fixture f;
  ASSERT_TRUE(f.open());
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!stop)
        EXPECT_TRUE(f.keystore->read([](Reader& reader) -> Status {
          (void)TRY(reader.get(kKeys, {std::string("KEY1")}));
          return {};
        }));
    });
  }
  std::uintmax_t most = 0;
  const std::string value(16'000, 'x');
  for (int round = 0; round < 30; ++round) {
    for (int i = 0; i < 50; ++i) {
      EXPECT_TRUE(f.keystore->write([&](Transaction& t) -> Status {
        for (int n = 0; n < 20; ++n) TRY(t.put(kSettings, {std::to_string(n), std::to_string(i) + value}));
        return {};
      }));
    }
    most = std::max(most, std::filesystem::file_size(f.path() + "-wal"));
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  // 1,500 commits of some 24 pages each: 146 MB if it never began anew.
  EXPECT_LT(most, 6U * kCheckpointPages * 4096U) << most;
}

TEST(Scrub, K10_WhatACrashLeftInTheLogIsGoneAfterTheNextStart) {
  Fixture f;
  ASSERT_TRUE(f.open());
  ASSERT_TRUE(add_key(*f.keystore, "A", "secret"));
  const Bytes box = box_of(*f.keystore, "A");
  f.close();
  ASSERT_TRUE(f.open());
  ASSERT_TRUE(forget(*f.keystore, "A"));
  f.close();
  ASSERT_TRUE(f.open());
  EXPECT_FALSE(anywhere(f, box));
}

// A start while another process looks into the file cannot empty the log: it is not forgotten.
TEST(Scrub, K10_WhatACrashLeftInTheLogIsEmptiedWhenTheLookerHasGone) {
  Fixture f;
  ASSERT_TRUE(f.open());
  ASSERT_TRUE(add_key(*f.keystore, "A", "secret"));
  const Bytes box = box_of(*f.keystore, "A");
  f.close();
  auto looker = sqlite::Connection::open(f.path(), sqlite::Access::kRead);
  ASSERT_TRUE(looker) << looker.error().text();
  ASSERT_TRUE((*looker)->execute("BEGIN"));
  ASSERT_TRUE((*looker)->integer_of("SELECT COUNT(*) FROM data_key"));
  ASSERT_TRUE(f.open());
  ASSERT_TRUE(forget(*f.keystore, "A"));
  f.close();
  ASSERT_TRUE(f.open());
  EXPECT_EQ(f.keystore->wait_scrubbed(std::chrono::milliseconds(100)).error().code, ErrorCode::kTimeout);
  ASSERT_TRUE((*looker)->execute("COMMIT"));
  looker->reset();
  ASSERT_TRUE(f.keystore->wait_scrubbed(kPatience));
  EXPECT_FALSE(anywhere(f, box));
}

}  // namespace
}  // namespace tapewarden::store::testing
