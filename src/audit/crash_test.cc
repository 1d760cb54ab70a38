// Keystore and audit record together, killed at random points: nothing acknowledged is lost.
#include <atomic>
#include <cstdlib>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <random>
#include <set>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "audit/audit_file.h"
#include "audit/query.h"
#include "audit/record.h"
#include "audit/verify.h"
#include "store/testing/memory_commit_log.h"

extern char** environ;

namespace tapewarden::audit {
namespace {

using store::ColumnRole;
using store::ColumnType;
using store::Value;

const store::TableSpec kKeys{
    .name = "data_key",
    .columns = {{"alias", ColumnType::kInteger, ColumnRole::kKey},
                {"secret", ColumnType::kBlob, ColumnRole::kSecret}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = true,
};
const store::TableSpec kCursor{
    .name = "cursor",
    .columns = {{"name", ColumnType::kText, ColumnRole::kKey},
                {"next", ColumnType::kInteger, ColumnRole::kPlain}},
    .indexes = {},
    .unique_indexes = {},
    .replicated = false,
};

struct Daemon {
  explicit Daemon(const std::string& directory) : directory_(directory) {}

  Status open() {
    AuditOptions audit_options;
    audit_options.directory = directory_ + "/audit";
    audit_options.file_bytes = 200'000;
    audit_options.reserve_bytes = 0;
    audit = TRY(AuditFile::open(real_.env(), audit_options));
    store::KeystoreOptions options;
    options.path = directory_ + "/keystore.db";
    options.server = Uuid::from(Bytes(16, 1));
    options.tables = {&kKeys, &kCursor};
    keystore =
        TRY(store::Keystore::open(real_.env(), options, crypto::SecretBytes::copy_of(Bytes(32, 7)), *audit));
    return {};
  }

  store::testing::RealEnv real_;
  std::string directory_;
  std::unique_ptr<AuditFile> audit;
  std::unique_ptr<store::Keystore> keystore;
};

Bytes secret_of(std::int64_t alias) {
  return to_bytes("secret of " + std::to_string(alias));
}

// Takes the next alias from the cursor, stores its key, and records both.
Status create_key(store::Transaction& t, std::int64_t& alias) {
  const auto cursor = TRY(t.get(kCursor, {std::string("keys")}));
  alias = cursor ? store::integer(*cursor, 1) : 1;
  TRY(t.put(kCursor, {std::string("keys"), alias + 1}));
  const Value key = alias;
  Bytes box = t.seal(kKeys, {&key, 1}, "secret", crypto::SecretBytes::copy_of(secret_of(alias)));
  TRY(t.put(kKeys, {alias, std::move(box)}));
  t.record(Record(EventType::kKeyServing, Outcome::kSuccess, "create key").set("alias", alias).json());
  return {};
}

// What the killed process does: creates keys as fast as it can, many in flight, and tells each acknowledged
// alias through file descriptor 3. Runs only as a child of the test below.
TEST(AuditCrashChild, DISABLED_CreatesKeysUntilKilled) {
  const char* directory = std::getenv("TW_CRASH_DIRECTORY");
  ASSERT_NE(directory, nullptr);
  Daemon daemon(directory);
  const Status opened = daemon.open();
  ASSERT_TRUE(opened) << opened.error().text();
  std::atomic<int> in_flight{0};
  while (true) {
    if (in_flight >= 64) {
      std::this_thread::yield();
      continue;
    }
    ++in_flight;
    const auto alias = std::make_shared<std::int64_t>(0);
    daemon.keystore->submit([alias](store::Transaction& t) { return create_key(t, *alias); },
                            [alias, &in_flight](const Result<store::CommitInfo>& result) {
                              if (!result) ::_exit(3);
                              // One write of eight bytes into a pipe is whole or not there.
                              if (::write(3, alias.get(), sizeof(std::int64_t)) != sizeof(std::int64_t))
                                ::_exit(4);
                              --in_flight;
                            });
  }
}

class Child {
 public:
  explicit Child(const std::string& directory) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    read_end_ = ends[0];
    ::setenv("TW_CRASH_DIRECTORY", directory.c_str(), 1);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 3);
    std::string name = "/proc/self/exe";
    std::string filter = "--gtest_filter=AuditCrashChild.*";
    std::string disabled = "--gtest_also_run_disabled_tests";
    std::string brief = "--gtest_brief=1";
    char* arguments[] = {name.data(), filter.data(), disabled.data(), brief.data(), nullptr};
    EXPECT_EQ(::posix_spawn(&pid_, name.c_str(), &actions, nullptr, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
  }
  ~Child() { ::close(read_end_); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Reads acknowledged aliases until there are `count` of them or the time is over.
  void read_some(std::size_t count, std::chrono::milliseconds limit, std::set<std::int64_t>& acknowledged) {
    const auto end = std::chrono::steady_clock::now() + limit;
    std::size_t got = 0;
    while (got < count && std::chrono::steady_clock::now() < end) {
      pollfd poll{read_end_, POLLIN, 0};
      if (::poll(&poll, 1, 1) == 1 && !take(acknowledged)) return;
      got = acknowledged.size() - before_;
    }
  }
  void kill_and_drain(std::set<std::int64_t>& acknowledged) {
    ::kill(pid_, SIGKILL);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);
    while (take(acknowledged)) {
    }
  }
  void set_before(std::size_t before) { before_ = before; }

 private:
  bool take(std::set<std::int64_t>& acknowledged) {
    std::int64_t alias = 0;
    if (::read(read_end_, &alias, sizeof alias) != sizeof alias) return false;
    EXPECT_TRUE(acknowledged.insert(alias).second) << "alias " << alias << " was given out twice";
    return true;
  }

  int read_end_ = -1;
  pid_t pid_ = 0;
  std::size_t before_ = 0;
};

void check_everything(const std::string& directory, const std::set<std::int64_t>& acknowledged) {
  Daemon daemon(directory);
  const Status opened = daemon.open();
  ASSERT_TRUE(opened) << opened.error().text();
  std::size_t missing = 0;
  const Status read = daemon.keystore->read([&](store::Reader& reader) -> Status {
    for (const std::int64_t alias : acknowledged) {
      const auto row = TRY(reader.get(kKeys, {alias}));
      if (!row) {
        ++missing;
        continue;
      }
      const auto secret = TRY(reader.unseal(kKeys, *row, 1));
      EXPECT_TRUE(equal(secret.reveal(), secret_of(alias)));
    }
    return {};
  });
  EXPECT_TRUE(read) << read.error().text();
  EXPECT_EQ(missing, 0U);
  const auto faults = daemon.keystore->verify();
  EXPECT_TRUE(faults && faults->empty());
  const auto log_faults = daemon.keystore->verify_log();
  EXPECT_TRUE(log_faults && log_faults->empty());
}

std::size_t recorded_among(const std::string& directory, const std::set<std::int64_t>& acknowledged) {
  RealDisk disk;
  Filter filter;
  filter.limit = kEntriesLimit;
  std::set<std::int64_t> recorded;
  const auto entries = query(disk, directory + "/audit", filter);
  EXPECT_TRUE(entries);
  for (const Entry& entry : *entries) {
    const std::size_t at = entry.json.find("\"alias\":");
    if (at != std::string::npos) recorded.insert(std::strtoll(entry.json.c_str() + at + 8, nullptr, 10));
  }
  std::size_t found = 0;
  for (const std::int64_t alias : acknowledged) found += recorded.count(alias);
  return found;
}

TEST(AuditCrash, K16_KilledAtRandomPointsLosesNothingAcknowledged) {
  const store::testing::TemporaryDirectory directory;
  std::mt19937 random(20260101);
  std::set<std::int64_t> acknowledged;
  constexpr int kRounds = 50;
  int killed_at_work = 0;
  for (int round = 0; round < kRounds && !::testing::Test::HasFailure(); ++round) {
    Child child(directory.path());
    child.set_before(acknowledged.size());
    const std::size_t before = acknowledged.size();
    // Some are killed while they still open, most after a random number of keys.
    const bool early = round % 10 == 9;
    if (early) {
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 40'000));
    } else {
      child.read_some(1 + random() % 300, std::chrono::seconds(20), acknowledged);
    }
    child.kill_and_drain(acknowledged);
    if (acknowledged.size() > before) ++killed_at_work;
    check_everything(directory.path(), acknowledged);
  }
  EXPECT_GE(killed_at_work, kRounds / 2);
  RealDisk disk;
  const auto report = verify_files(disk, directory.file("audit"));
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->fault) << report->fault->message;
  // A query gives the newest only, so look at as many as it may hold.
  std::set<std::int64_t> newest;
  for (auto it = acknowledged.rbegin(); it != acknowledged.rend() && newest.size() < 5000; ++it)
    newest.insert(*it);
  EXPECT_EQ(recorded_among(directory.path(), newest), newest.size());
  std::printf("%d kills, %zu keys acknowledged, none lost; %llu audit files\n", kRounds, acknowledged.size(),
              static_cast<unsigned long long>(report->files));
}

TEST(AuditCrash, K16_AuditRecordCutBackIsNamed) {
  const store::testing::TemporaryDirectory directory;
  {
    Daemon daemon(directory.path());
    ASSERT_TRUE(daemon.open());
    std::int64_t alias = 0;
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(daemon.keystore->write([&](store::Transaction& t) { return create_key(t, alias); }));
    }
  }
  RealDisk disk;
  const std::string path = directory.file("audit/audit.jsonl");
  const Bytes whole = read_file(disk, path, 1U << 20).value();
  const std::string_view text = as_text(whole);
  // Without its last commit the record is completed from the database, byte for byte in what it says.
  const std::size_t one = text.rfind("\"mark\":5,");
  const std::size_t cut = text.find('\n', one) + 1;
  ASSERT_TRUE(write_file_atomically(disk, path, ByteView(whole).first(cut)));
  {
    Daemon daemon(directory.path());
    const Status opened = daemon.open();
    ASSERT_TRUE(opened) << opened.error().text();
    EXPECT_EQ(daemon.audit->last_mark()->sequence, 6U);
  }
  EXPECT_FALSE(verify_files(disk, directory.file("audit"))->fault);
  // Without two it is an old copy.
  const std::size_t two = text.find('\n', text.rfind("\"mark\":4,")) + 1;
  ASSERT_TRUE(write_file_atomically(disk, path, ByteView(whole).first(two)));
  Daemon daemon(directory.path());
  const Status opened = daemon.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(opened.error().message.find("audit file lacks commits 5 to 6"), std::string::npos)
      << opened.error().message;
}

TEST(AuditCrash, K13_RecordForgedWithANewChainIsNamed) {
  const store::testing::TemporaryDirectory directory;
  RealDisk disk;
  const std::string path = directory.file("audit/audit.jsonl");
  Daemon daemon(directory.path());
  ASSERT_TRUE(daemon.open());
  std::int64_t alias = 0;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(daemon.keystore->write([&](store::Transaction& t) { return create_key(t, alias); }));
  }
  EXPECT_TRUE(daemon.keystore->verify_log().value().empty());
  // Whoever can write the file can also make its hash chain anew: only the keystore's heads tell.
  const Bytes whole = read_file(disk, path, 1U << 20).value();
  std::string forged;
  ChainPoint point;
  for (std::string_view rest = as_text(whole); !rest.empty();) {
    const std::size_t end = rest.find('\n');
    const Line line = parse_line(rest.substr(0, end)).value();
    std::string body(line.body);
    if (const std::size_t at = body.find("\"alias\":3"); at != std::string::npos) body[at + 8] = '9';
    append_line(forged, point, daemon.real_.env().clock->wall_now(), body, line.end);
    rest.remove_prefix(end + 1);
  }
  ASSERT_TRUE(write_file_atomically(disk, path, as_bytes(forged)));
  EXPECT_FALSE(verify_files(disk, directory.file("audit"))->fault);
  const auto faults = daemon.keystore->verify_log().value();
  ASSERT_FALSE(faults.empty());
  EXPECT_EQ(faults[0].table, "audit record");
  EXPECT_EQ(faults[0].what, "changed");
}

TEST(AuditCrash, K16_SecondProcessIsRefused) {
  const store::testing::TemporaryDirectory directory;
  Daemon first(directory.path());
  ASSERT_TRUE(first.open());
  Daemon second(directory.path());
  const Status opened = second.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kConflict);
}

}  // namespace
}  // namespace tapewarden::audit
