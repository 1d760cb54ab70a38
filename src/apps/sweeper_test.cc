// K16: the sweeping thread finds damage to what nobody reads, tells it, and ends when it is asked to.
#include "apps/sweeper.h"

#include <algorithm>
#include <condition_variable>
#include <gtest/gtest.h>
#include <mutex>

#include "store/testing/memory_commit_log.h"

namespace tapewarden::apps {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds kLong{30};
constexpr std::string_view kValue = "what-an-operator-once-set";

const store::TableSpec kNotes{
    .name = "note",
    .columns = {{"name", store::ColumnType::kText, store::ColumnRole::kKey},
                {"value", store::ColumnType::kText, store::ColumnRole::kPlain}},
    .indexes = {},
    .unique_indexes = {},
};

// What the sweeper says, from its thread.
class Alarms {
 public:
  void operator()(const std::string& text) {
    const std::lock_guard lock(mutex_);
    told_.push_back(text);
    changed_.notify_all();
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kLong, [&] { return told_.size() >= count; });
  }
  std::string first() {
    const std::lock_guard lock(mutex_);
    return told_.empty() ? std::string() : told_.front();
  }
  bool any() {
    const std::lock_guard lock(mutex_);
    return !told_.empty();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> told_;
};

class SweptKeystore : public ::testing::Test {
 protected:
  void SetUp() override {
    open();
    ASSERT_NE(keystore_, nullptr);
    ASSERT_TRUE(keystore_->write([](store::Transaction& transaction) {
      return transaction.put(kNotes, {std::string("greeting"), std::string(kValue)});
    }));
  }

  void open() {
    keystore_.reset();
    store::KeystoreOptions options;
    options.path = path();
    options.server = Uuid::from(Bytes(16, 1));
    options.tables = {&kNotes};
    options.verify_at_open_limit = 0;  // as of a keystore that is too large: only the sweep looks
    auto opened = store::Keystore::open(real_.env(), std::move(options),
                                        crypto::SecretBytes::copy_of(Bytes(32, 7)), log_);
    ASSERT_TRUE(opened.has_value()) << opened.error().text();
    keystore_ = std::move(*opened);
  }

  // Changes one letter of the value in the database file, behind the back of the keystore that has it open.
  void damage() {
    open();  // what was in the write-ahead log is in the database file now
    RealDisk disk;
    const auto content = read_file(disk, path(), 1U << 24);
    ASSERT_TRUE(content.has_value());
    const auto found = std::ranges::search(*content, as_bytes(kValue));
    ASSERT_FALSE(found.empty());
    const auto file = disk.open(path(), OpenMode::kReadWrite, 0600);
    ASSERT_TRUE(file.has_value());
    const auto at = static_cast<std::uint64_t>(found.begin() - content->begin());
    ASSERT_TRUE((*file)->write_at(at, as_bytes("W")));
  }

  std::string path() const { return directory_.file("keystore.db"); }

  store::testing::TemporaryDirectory directory_;
  store::testing::RealEnv real_;
  store::testing::MemoryCommitLog log_;
  std::unique_ptr<store::Keystore> keystore_;
};

TEST_F(SweptKeystore, K16_TheSweepNamesADamagedRow) {
  damage();
  ASSERT_NE(keystore_, nullptr);
  Alarms alarms;
  Sweeper sweeper(*keystore_, milliseconds{1}, milliseconds{1},
                  [&](const std::string& text) { alarms(text); });
  ASSERT_TRUE(alarms.wait_for(1));
  EXPECT_NE(alarms.first().find("note"), std::string::npos) << alarms.first();
  EXPECT_NE(alarms.first().find("greeting"), std::string::npos) << alarms.first();
  EXPECT_NE(alarms.first().find("restore"), std::string::npos) << "it says what to do";
  // Told before it is kept: by the next alarm the findings of this sweep stand in the status.
  const std::size_t of_one_sweep = 64;
  ASSERT_TRUE(alarms.wait_for(of_one_sweep)) << "it goes on sweeping";
  const auto findings = sweeper.findings();
  EXPECT_NE(std::ranges::find(findings, alarms.first()), findings.end());
}

TEST_F(SweptKeystore, K16_AWholeKeystoreRaisesNoAlarmHoweverOftenItIsSwept) {
  // The sweeps are counted by what they ask of the log.
  class CountingLog final : public store::CommitLog {
   public:
    explicit CountingLog(store::CommitLog& inner) : inner_(inner) {}
    Status append(const store::CommitMark& mark, std::span<const std::string> records) override {
      return inner_.append(mark, records);
    }
    Status replay(std::uint64_t from,
                  const std::function<Status(const store::LoggedCommit&)>& visit) override {
      {
        const std::lock_guard lock(mutex_);
        ++sweeps_;
      }
      changed_.notify_all();
      return inner_.replay(from, visit);
    }
    std::optional<store::CommitMark> last_mark() const override { return inner_.last_mark(); }
    Hash256 chain_hash() const override { return inner_.chain_hash(); }
    bool wait_for(std::size_t count) {
      std::unique_lock lock(mutex_);
      return changed_.wait_for(lock, kLong, [&] { return sweeps_ >= count; });
    }

   private:
    store::CommitLog& inner_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t sweeps_ = 0;
  };
  keystore_.reset();
  CountingLog log(log_);
  store::KeystoreOptions options;
  options.path = path();
  options.server = Uuid::from(Bytes(16, 1));
  options.tables = {&kNotes};
  auto opened =
      store::Keystore::open(real_.env(), std::move(options), crypto::SecretBytes::copy_of(Bytes(32, 7)), log);
  ASSERT_TRUE(opened.has_value()) << opened.error().text();
  Alarms alarms;
  {
    Sweeper sweeper(**opened, milliseconds{1}, milliseconds{1},
                    [&](const std::string& text) { alarms(text); });
    ASSERT_TRUE(log.wait_for(3));
    EXPECT_TRUE(sweeper.findings().empty());
  }
  EXPECT_FALSE(alarms.any()) << alarms.first();
}

TEST_F(SweptKeystore, K16_TheSweepEndsAtOnceWhileItWaits) {
  Alarms alarms;
  const auto begun = std::chrono::steady_clock::now();
  {
    const Sweeper sweeper(*keystore_, std::chrono::hours{6}, std::chrono::hours{6},
                          [&](const std::string& text) { alarms(text); });
    EXPECT_TRUE(sweeper.findings().empty()) << "nothing was swept yet";
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::hours{1});
  EXPECT_FALSE(alarms.any());
}

}  // namespace
}  // namespace tapewarden::apps
