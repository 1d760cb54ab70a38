// K16: a keystore that was changed behind the server's back is found and named, or nothing of it is lost.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "harness/key_record.h"
#include "integration/running_site.h"

namespace tapewarden::testing {
namespace {

namespace fs = std::filesystem;
using dkx::DriveKind;

constexpr int kDamaged = 6;  // exit code of `check`
constexpr std::size_t kFlips = 150;
constexpr std::size_t kCuts = 20;

std::size_t flips_wanted() {
  const char* text = std::getenv("TAPEWARDEN_FLIPS");
  return text != nullptr ? static_cast<std::size_t>(std::atoi(text)) : kFlips;
}

struct Tally {
  std::size_t tried = 0;
  std::size_t named = 0;
  std::size_t harmless = 0;
  std::map<std::string, std::size_t> texts;
};

class KeydDamage : public RunningSite {
 protected:
  static void SetUpTestSuite() {
    RunningSite::SetUpTestSuite();
    if (site_ == nullptr) return;
    drive_ = std::make_unique<TestDrive>(*enrolled_drive("K16DAMAGE001", DriveKind::kLto));
    record_ = std::make_unique<KeyRecord>(*drive_);
    ASSERT_TRUE(make_group("DAMAGE", 400).has_value());
    ASSERT_TRUE(site().stop(Which::kPrimary).has_value());
    ASSERT_TRUE(site().stop(Which::kSecondary).has_value());
    ASSERT_TRUE(site().without_peer(Which::kPrimary).has_value());
  }
  static void TearDownTestSuite() {
    record_.reset();
    drive_.reset();
    RunningSite::TearDownTestSuite();
  }

  static std::string data() { return site().folder(Which::kPrimary) + "/data"; }
  static std::string copy() { return site().path("copy"); }
  static std::string file(const std::string& end) { return data() + "/keystore.db" + end; }
  static void copy_all(const std::string& from, const std::string& to) {
    fs::remove_all(to);
    fs::copy(from, to, fs::copy_options::recursive);
  }

  static void write_some(int count) {
    auto link = DriveLink::connect(site(), Which::kPrimary);
    TW_ASSERT_OK(link);
    for (int i = 0; i < count; ++i) {
      dkx::KeyRequest request = drive_->write();
      request.asked = dkx::GroupAsked{"DAMAGE"};
      const auto answer = link->ask(*drive_, request);
      ASSERT_EQ(code_of(answer), "served");
      record_->add(request, *answer);
    }
  }

  // `check` names the damage, or all that was acknowledged is read back the same.
  static void expect_named_or_harmless(const std::string& what, Tally& tally) {
    ++tally.tried;
    const auto checked = site().check(Which::kPrimary);
    TW_ASSERT_OK(checked);
    if (checked->end.exit_code != 0) {
      EXPECT_EQ(checked->end.exit_code, kDamaged) << what << ": " << checked->output;
      EXPECT_NE(checked->output.find("tapewarden-keyd: "), std::string::npos) << what;
      ++tally.named;
      ++tally.texts[checked->output.substr(0, 60)];
      return;
    }
    const auto started = site().start(Which::kPrimary);
    ASSERT_TRUE(started.has_value()) << what
                                     << ": check says whole, run does not start: " << started.error().text();
    const auto loss = record_->verify(site(), Which::kPrimary);
    TW_ASSERT_OK(loss);
    EXPECT_EQ(loss->all(), 0U) << what << ": check says whole, but: " << loss->first;
    site().kill_hard(Which::kPrimary);
    ++tally.harmless;
  }

  static void print(const std::string& what, const Tally& tally) {
    std::printf("K16: %s: tried %zu, named %zu, harmless %zu\n", what.c_str(), tally.tried, tally.named,
                tally.harmless);
    for (const auto& [text, count] : tally.texts) std::printf("  %4zu  %s\n", count, text.c_str());
  }

  static void flip_each(const std::string& end, Tally& tally) {
    const std::size_t size = fs::file_size(copy() + "/keystore.db" + end);
    const std::size_t flips = flips_wanted();
    for (std::size_t i = 0; i < flips && !HasFailure(); ++i) {
      // Evenly spread, and not always at the same place within a page.
      const std::size_t at = std::min(size - 1, size * i / flips + i * 37 % (size / flips));
      copy_all(copy(), data());
      std::fstream target(file(end), std::ios::in | std::ios::out | std::ios::binary);
      target.seekg(static_cast<std::streamoff>(at));
      const char byte = static_cast<char>(target.get() ^ (1 << i % 8));
      target.seekp(static_cast<std::streamoff>(at));
      target.put(byte);
      target.close();
      expect_named_or_harmless("keystore.db" + end + " byte " + std::to_string(at), tally);
    }
  }

  static inline std::unique_ptr<TestDrive> drive_;
  static inline std::unique_ptr<KeyRecord> record_;
};

TEST_F(KeydDamage, K16_OldCopyPutBackIsNamed) {
  TW_EXPECT_OK(site().start(Which::kPrimary));
  write_some(20);
  TW_EXPECT_OK(site().stop(Which::kPrimary));
  copy_all(data(), copy());
  TW_EXPECT_OK(site().start(Which::kPrimary));
  write_some(20);
  TW_EXPECT_OK(site().stop(Which::kPrimary));
  copy_all(data(), site().path("newest"));
  // The database alone, as from a file backup; the audit record is the newest.
  for (const auto& entry : fs::directory_iterator(data())) {
    if (entry.path().filename().string().starts_with("keystore.db")) fs::remove(entry.path());
  }
  for (const auto& entry : fs::directory_iterator(copy())) {
    const std::string name = entry.path().filename();
    if (name.starts_with("keystore.db")) fs::copy_file(entry.path(), data() + "/" + name);
  }
  const auto checked = site().check(Which::kPrimary);
  TW_ASSERT_OK(checked);
  EXPECT_EQ(checked->end.exit_code, kDamaged) << checked->output;
  std::printf("K16: old copy: %s", checked->output.c_str());
  EXPECT_FALSE(site().start(Which::kPrimary).has_value()) << "it must not serve";
  copy_all(site().path("newest"), data());
  const auto whole = site().check(Which::kPrimary);
  TW_ASSERT_OK(whole);
  EXPECT_EQ(whole->end.exit_code, 0) << whole->output;
}

TEST_F(KeydDamage, K16_WalTailDroppedIsNamedOrHarmless) {
  TW_EXPECT_OK(site().start(Which::kPrimary));
  write_some(60);
  site().kill_hard(Which::kPrimary);
  ASSERT_TRUE(fs::exists(file("-wal")));
  copy_all(data(), copy());
  const std::size_t size = fs::file_size(file("-wal"));
  ASSERT_GT(size, 0U);
  Tally tally;
  for (std::size_t i = 0; i < kCuts && !HasFailure(); ++i) {
    copy_all(copy(), data());
    fs::resize_file(file("-wal"), size * i / kCuts);
    expect_named_or_harmless("-wal cut to " + std::to_string(size * i / kCuts), tally);
  }
  copy_all(copy(), data());
  fs::remove(file("-wal"));
  expect_named_or_harmless("-wal removed", tally);
  print("WAL tail dropped", tally);
  copy_all(copy(), data());
}

TEST_F(KeydDamage, K16_OneByteFlippedIsNamedOrHarmless) {
  TW_EXPECT_OK(site().start(Which::kPrimary));
  write_some(20);
  TW_EXPECT_OK(site().stop(Which::kPrimary));
  copy_all(data(), copy());
  Tally database;
  flip_each("", database);
  print("byte flipped in keystore.db", database);
  EXPECT_GT(database.named, 0U);
  copy_all(copy(), data());

  TW_EXPECT_OK(site().start(Which::kPrimary));
  write_some(20);
  site().kill_hard(Which::kPrimary);
  ASSERT_TRUE(fs::exists(file("-wal")));
  copy_all(data(), copy());
  Tally wal;
  flip_each("-wal", wal);
  print("byte flipped in keystore.db-wal", wal);
  EXPECT_GT(wal.named, 0U);
  copy_all(copy(), data());
}

}  // namespace
}  // namespace tapewarden::testing
