// The audit record: lines that nobody can forge, a chain that shows every change, and crashes.
#include <gtest/gtest.h>

#include "audit/audit_file.h"
#include "audit/query.h"
#include "audit/record.h"
#include "audit/segments.h"
#include "audit/verify.h"
#include "base/testing/sim_env.h"
#include "crypto/keys.h"

namespace tapewarden::audit {
namespace {

using tapewarden::testing::SimEnv;

constexpr const char* kDirectory = "/audit";
constexpr const char* kCurrent = "/audit/audit.jsonl";

store::CommitMark mark(std::uint64_t sequence) {
  store::CommitMark out;
  out.sequence = sequence;
  out.head.fill(static_cast<std::uint8_t>(sequence));
  return out;
}

std::string event(const std::string& actor, Outcome outcome = Outcome::kSuccess,
                  EventType type = EventType::kKeyServing) {
  return Record(type, outcome, "serve key for write").actor(actor).json();
}

struct Fixture {
  SimEnv sim{1};
  AuditOptions options{.directory = kDirectory, .reserve_bytes = 0};
  std::unique_ptr<AuditFile> audit;

  Status open() {
    audit.reset();
    auto opened = AuditFile::open(sim.env(), options);
    if (!opened) return std::unexpected(opened.error());
    audit = std::move(*opened);
    return {};
  }
  Status append(std::uint64_t sequence, std::vector<std::string> records) {
    return audit->append(mark(sequence), records);
  }
  VerifyReport verify(const crypto::PublicKey* key = nullptr) {
    auto report = verify_files(sim.disk, kDirectory, {.key = key});
    EXPECT_TRUE(report) << report.error().text();
    return report.value_or(VerifyReport{});
  }
  std::string current() { return std::string(as_text(sim.disk.content(kCurrent))); }
};

// The simulated disk, with what happened to it in order.
class WatchedDisk final : public Disk {
 public:
  struct Written {
    std::string path;
    std::uint64_t offset;
    std::size_t size;
  };
  explicit WatchedDisk(Disk& disk) : disk_(disk) {}

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode, unsigned permissions) override {
    return std::make_unique<WatchedFile>(*this, path, TRY(disk_.open(path, mode, permissions)));
  }
  Status rename(const std::string& from, const std::string& to) override {
    events.push_back("rename to " + to);
    return disk_.rename(from, to);
  }
  Status sync_directory(const std::string& path) override {
    events.emplace_back("sync directory");
    return disk_.sync_directory(path);
  }
  Status remove(const std::string& path) override { return disk_.remove(path); }
  Status make_directories(const std::string& path, unsigned permissions) override {
    return disk_.make_directories(path, permissions);
  }
  Result<std::vector<std::string>> list(const std::string& path) override { return disk_.list(path); }
  bool exists(const std::string& path) override { return disk_.exists(path); }
  Result<std::unique_ptr<File>> lock(const std::string& path) override { return disk_.lock(path); }

  std::vector<std::string> events;
  std::vector<Written> writes;

 private:
  class WatchedFile final : public File {
   public:
    WatchedFile(WatchedDisk& disk, std::string path, std::unique_ptr<File> file)
        : disk_(disk), path_(std::move(path)), file_(std::move(file)) {}
    Result<std::size_t> read_at(std::uint64_t offset, MutableByteView out) override {
      return file_->read_at(offset, out);
    }
    Status write_at(std::uint64_t offset, ByteView data) override {
      disk_.writes.push_back({path_, offset, data.size()});
      return file_->write_at(offset, data);
    }
    Result<std::uint64_t> size() override { return file_->size(); }
    Status truncate(std::uint64_t size) override { return file_->truncate(size); }
    Status sync() override { return file_->sync(); }

   private:
    WatchedDisk& disk_;
    std::string path_;
    std::unique_ptr<File> file_;
  };
  Disk& disk_;
};

TEST(AuditRecord, K13_NoFieldForgesALine) {
  const std::string json = Record(EventType::kAuthentication, Outcome::kFailure, "login")
                               .actor("eve\"}\n{\"n\":1,\"mark\":7")
                               .set("source", "\xC3\xA9\x01\x7F\xF0\x9F\x94\x91\xFF\\")
                               .set("attempt", 3)
                               .json();
  EXPECT_EQ(json,
            R"({"type":"authentication","outcome":"failure","action":"login",)"
            R"("actor":"eve\"}\u000a{\"n\":1,\"mark\":7","source":"\u00e9\u0001\u007f\ud83d\udd11\ufffd\\",)"
            R"("attempt":3})");
  EXPECT_TRUE(is_record(json));
}

TEST(AuditRecord, K13_LongTextIsCut) {
  const std::string json =
      Record(EventType::kRuntime, Outcome::kSuccess, "x").set("a", std::string(9999, 'y')).json();
  EXPECT_LT(json.size(), kFieldBytesLimit + 200);
  EXPECT_TRUE(json.ends_with("...\"}"));
}

TEST(AuditRecord, K13_NamesRoundTrip) {
  for (int i = 0; i < 8; ++i) {
    const auto type = static_cast<EventType>(i);
    EXPECT_EQ(parse_event_type(to_string(type)), type);
  }
  EXPECT_EQ(parse_event_type("all"), std::nullopt);
  EXPECT_EQ(parse_outcome("failure"), Outcome::kFailure);
}

TEST(AuditFile, K13_ContinuesAfterReopen) {
  Fixture f;
  ASSERT_TRUE(f.open());
  EXPECT_FALSE(f.audit->last_mark());
  ASSERT_TRUE(f.append(1, {event("drive 1"), event("drive 2")}));
  ASSERT_TRUE(f.audit->note(std::vector{event("drive 3")}));
  const Hash256 chain = f.audit->chain_hash();
  ASSERT_TRUE(f.open());
  EXPECT_EQ(f.audit->last_mark(), mark(1));
  EXPECT_EQ(f.audit->chain_hash(), chain);
  ASSERT_TRUE(f.append(2, {}));
  const VerifyReport report = f.verify();
  EXPECT_FALSE(report.fault);
  EXPECT_EQ(report.lines, 6U);
  EXPECT_EQ(report.commits, 2U);
  EXPECT_EQ(report.last_commit, mark(2));
  EXPECT_EQ(report.unfinished_bytes, 0U);
}

TEST(AuditFile, K13_ACrashWithinAnAppendWithACheckpointIsNoDamage) {
  const auto key = crypto::PrivateKey::generate_p256();
  Fixture f;
  f.options.checkpoint_every_lines = 1;
  WatchedDisk disk(f.sim.disk);
  Env env = f.sim.env();
  env.disk = &disk;
  auto opened = AuditFile::open(env, f.options);
  ASSERT_TRUE(opened);
  (*opened)->set_checkpoint_signer([&](ByteView message) { return key.sign(message); });
  ASSERT_TRUE((*opened)->append(mark(1), std::vector{event("drive 1")}));
  const std::size_t before = disk.writes.size();
  ASSERT_TRUE((*opened)->append(mark(2), std::vector{event("drive 2"), event("drive 3")}));
  opened->reset();
  const Bytes whole = f.sim.disk.content(kCurrent);
  EXPECT_NE(as_text(whole).rfind("checkpoint"), std::string_view::npos);
  // Each write as the last before a power cut, with a page of it that did not reach the disk.
  ASSERT_GT(disk.writes.size(), before);
  for (std::size_t i = before; i < disk.writes.size(); ++i) {
    const auto& last = disk.writes[i];
    ASSERT_EQ(last.path, kCurrent);
    Bytes torn = to_bytes(ByteView(whole).first(last.offset + last.size));
    for (std::size_t at = 0; at < 16; ++at) torn.at(last.offset + 8 + at) = 0;
    f.sim.disk.content(kCurrent) = torn;
    const auto again = f.open();
    ASSERT_TRUE(again) << "write " << i << ": " << again.error().text();
    EXPECT_GE(f.audit->last_mark()->sequence, 1U);
  }
}

TEST(AuditFile, K13_AFullFileHasItsNameOnDiskBeforeTheNextTakesItsPlace) {
  Fixture f;
  f.options.file_bytes = 2'000;
  WatchedDisk disk(f.sim.disk);
  Env env = f.sim.env();
  env.disk = &disk;
  auto opened = AuditFile::open(env, f.options);
  ASSERT_TRUE(opened);
  disk.events.clear();
  for (std::uint64_t i = 1; i <= 40; ++i)
    ASSERT_TRUE((*opened)->append(mark(i), std::vector{event("drive")}));
  std::string before;
  unsigned changed = 0;
  for (const auto& now : disk.events) {
    if (now == "rename to " + std::string(kCurrent)) {
      ++changed;
      EXPECT_EQ(before, "sync directory") << "right after the rename of the full file";
    }
    before = now;
  }
  EXPECT_GT(changed, 1U);
}

// What was appended is safe, and the next commit must not be made in the database first.
TEST(AuditFile, K13_AfterACheckpointThatCouldNotBeWrittenItSaysThatItIsNotReady) {
  Fixture f;
  f.options.checkpoint_every_lines = 1;
  const auto key = crypto::PrivateKey::generate_p256();
  ASSERT_TRUE(f.open());
  f.audit->set_checkpoint_signer([&](ByteView message) { return key.sign(message); });
  ASSERT_TRUE(f.append(1, {event("drive 1")}));
  EXPECT_TRUE(f.audit->ready());
  f.sim.disk.fail_after(2);  // the line and the checkpoint, which is not synced any more
  EXPECT_TRUE(f.append(2, {event("drive 2")})) << "its own line is safe";
  EXPECT_FALSE(f.audit->ready());
  EXPECT_FALSE(f.append(3, {event("drive 3")}));
}

TEST(AuditFile, K13_RecordsWithTheFilesOwnNamesAreRefused) {
  Fixture f;
  ASSERT_TRUE(f.open());
  for (const char* bad : {R"({"mark":7})", R"({"type":"x","end":1})", "{\"a\":\"\n\"}", "{}", "x", "",
                          R"({"a":1,"chain":"0"})"}) {
    const Status appended = f.append(1, {bad});
    ASSERT_FALSE(appended) << bad;
    EXPECT_EQ(appended.error().code, ErrorCode::kInvalidArgument);
  }
  // Within a string they are only text.
  EXPECT_TRUE(f.append(1, {R"({"a":"\"mark\":7,\"end\":1"})"}));
  EXPECT_FALSE(f.verify().fault);
}

TEST(AuditFile, K13_EveryFlippedByteIsFoundAndNamed) {
  Fixture f;
  ASSERT_TRUE(f.open());
  ASSERT_TRUE(f.append(1, {event("drive 1")}));
  ASSERT_TRUE(f.append(2, {event("drive 2"), event("drive 3")}));
  ASSERT_TRUE(f.audit->note(std::vector{event("drive 4")}));
  f.audit.reset();
  const Bytes good = f.sim.disk.content(kCurrent);
  std::size_t cut_short = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const unsigned flip : {0x01U, 0x20U, 0x80U}) {
      Bytes& content = f.sim.disk.content(kCurrent);
      content = good;
      content[i] = static_cast<std::uint8_t>(content[i] ^ flip);
      const VerifyReport report = f.verify();
      const bool last_end = i + 1 == good.size();
      if (last_end) {
        EXPECT_GT(report.unfinished_bytes, 0U);
      } else {
        ASSERT_TRUE(report.fault) << i;
        EXPECT_NE(report.fault->message.find("audit.jsonl"), std::string::npos);
      }
      const Status opened = f.open();
      if (opened) {
        ++cut_short;
        EXPECT_TRUE(last_end) << i;
      } else {
        EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
      }
    }
  }
  EXPECT_EQ(cut_short, 3U);  // the last line end alone: as if the last append had not been finished
}

TEST(AuditFile, K13_CutAtEveryByteKeepsWholeAppends) {
  Fixture f;
  ASSERT_TRUE(f.open());
  std::vector<std::size_t> ends{f.current().size()};
  for (std::uint64_t i = 1; i <= 4; ++i) {
    ASSERT_TRUE(f.append(i, {event("a"), event("b")}));
    ends.push_back(f.current().size());
  }
  f.audit.reset();
  const Bytes good = f.sim.disk.content(kCurrent);
  for (std::size_t size = ends[0]; size < good.size(); ++size) {
    Bytes& content = f.sim.disk.content(kCurrent);
    content = Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    ASSERT_TRUE(f.open()) << size;
    std::uint64_t complete = 0;
    while (complete + 1 < ends.size() && ends[complete + 1] <= size) ++complete;
    EXPECT_EQ(f.audit->last_mark().value_or(store::CommitMark{}).sequence, complete);
    EXPECT_EQ(f.sim.disk.content(kCurrent).size(), ends[complete]);
    ASSERT_TRUE(f.append(complete + 1, {event("again")}));
    EXPECT_FALSE(f.verify().fault);
  }
}

TEST(AuditFile, K13_PowerLossKeepsWhatWasSynced) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Fixture f;
    ASSERT_TRUE(f.open());
    tapewarden::testing::SimRandom random(seed);
    const std::uint64_t acknowledged = 1 + random.below(5);
    for (std::uint64_t i = 1; i <= acknowledged; ++i) ASSERT_TRUE(f.append(i, {event("a"), event("b")}));
    f.sim.disk.fail_after(1);  // the write is taken, its sync fails
    ASSERT_FALSE(f.append(acknowledged + 1, {event("c"), event(std::string(900, 'x'))}));
    ASSERT_FALSE(f.audit->note(std::vector{event("after the failure")}));
    EXPECT_TRUE(f.audit->health().stopped);
    f.audit.reset();
    f.sim.disk.clear_faults();
    f.sim.disk.power_loss(&random);
    const Status opened = f.open();
    ASSERT_TRUE(opened) << opened.error().text();
    EXPECT_GE(f.audit->last_mark()->sequence, acknowledged);
    EXPECT_FALSE(f.verify().fault);
  }
}

TEST(AuditFile, K13_HolesOfZerosAtTheEndAreACrash) {
  Fixture f;
  ASSERT_TRUE(f.open());
  ASSERT_TRUE(f.append(1, {event("a")}));
  const std::size_t synced = f.current().size();
  ASSERT_TRUE(f.append(2, {event(std::string(3000, 'x'))}));
  f.audit.reset();
  Bytes& content = f.sim.disk.content(kCurrent);
  std::fill(content.begin() + static_cast<std::ptrdiff_t>(synced) + 100,
            content.begin() + static_cast<std::ptrdiff_t>(synced) + 1000, std::uint8_t{0});
  ASSERT_TRUE(f.open());
  EXPECT_EQ(f.audit->last_mark(), mark(1));
}

TEST(AuditFile, K13_HolesOfZerosBeforeALaterAppendAreDamage) {
  Fixture f;
  ASSERT_TRUE(f.open());
  ASSERT_TRUE(f.append(1, {event("a")}));
  const std::size_t synced = f.current().size();
  ASSERT_TRUE(f.append(2, {event(std::string(3000, 'x'))}));
  ASSERT_TRUE(f.append(3, {event("b")}));
  f.audit.reset();
  Bytes& content = f.sim.disk.content(kCurrent);
  std::fill(content.begin() + static_cast<std::ptrdiff_t>(synced) + 100,
            content.begin() + static_cast<std::ptrdiff_t>(synced) + 1000, std::uint8_t{0});
  const Status opened = f.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(opened.error().message.find("line number 4"), std::string::npos) << opened.error().message;
}

TEST(AuditFile, K13_RemovedAndMovedLinesAreNamed) {
  Fixture f;
  ASSERT_TRUE(f.open());
  for (std::uint64_t i = 1; i <= 3; ++i) ASSERT_TRUE(f.append(i, {event("drive " + std::to_string(i))}));
  f.audit.reset();
  const std::string good = f.current();
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < good.size();) {
    const std::size_t end = good.find('\n', at) + 1;
    lines.push_back(good.substr(at, end - at));
    at = end;
  }
  ASSERT_EQ(lines.size(), 7U);
  for (std::size_t gone = 1; gone + 1 < lines.size(); ++gone) {
    std::string text;
    for (std::size_t i = 0; i < lines.size(); ++i) text += i == gone ? "" : lines[i];
    f.sim.disk.content(kCurrent) = to_bytes(text);
    const VerifyReport report = f.verify();
    ASSERT_TRUE(report.fault) << gone;
    EXPECT_NE(report.fault->message.find("line number " + std::to_string(gone + 1)), std::string::npos)
        << report.fault->message;
  }
}

TEST(AuditFile, K13_ChainRunsThroughFullFiles) {
  Fixture f;
  f.options.file_bytes = 2000;
  ASSERT_TRUE(f.open());
  for (std::uint64_t i = 1; i <= 60; ++i) ASSERT_TRUE(f.append(i, {event("drive " + std::to_string(i))}));
  const auto files = list_segments(f.sim.disk, kDirectory).value();
  ASSERT_GT(files.size(), 5U);
  ASSERT_TRUE(f.open());
  EXPECT_EQ(f.audit->last_mark(), mark(60));
  VerifyReport report = f.verify();
  EXPECT_FALSE(report.fault);
  EXPECT_EQ(report.commits, 60U);
  EXPECT_EQ(report.files, files.size());

  std::vector<std::uint64_t> replayed;
  ASSERT_TRUE(f.audit->replay(17, [&](const store::LoggedCommit& commit) -> Status {
    replayed.push_back(commit.mark.sequence);
    EXPECT_EQ(commit.records, std::vector{event("drive " + std::to_string(commit.mark.sequence))});
    return {};
  }));
  ASSERT_EQ(replayed.size(), 44U);
  EXPECT_EQ(replayed.front(), 17U);
  EXPECT_EQ(replayed.back(), 60U);

  // A file taken out of the middle is missed; the oldest ones may be archived elsewhere.
  const std::string middle = std::string(kDirectory) + "/" + files[2];
  const Bytes content = f.sim.disk.content(middle);
  ASSERT_TRUE(f.sim.disk.remove(middle));
  report = f.verify();
  ASSERT_TRUE(report.fault);
  EXPECT_NE(report.fault->message.find(files[3]), std::string::npos);
  ASSERT_TRUE(f.sim.disk.remove(std::string(kDirectory) + "/" + files[0]));
  ASSERT_TRUE(f.sim.disk.remove(std::string(kDirectory) + "/" + files[1]));
  report = f.verify();
  EXPECT_FALSE(report.fault);
  EXPECT_GT(report.first_line, 1U);
}

TEST(AuditFile, K13_MissingCurrentFileIsNoticed) {
  Fixture f;
  f.options.file_bytes = 1000;
  ASSERT_TRUE(f.open());
  for (std::uint64_t i = 1; i <= 20; ++i) ASSERT_TRUE(f.append(i, {event("drive")}));
  f.audit.reset();
  ASSERT_TRUE(f.sim.disk.remove(kCurrent));
  const Status opened = f.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(opened.error().message.find("missing"), std::string::npos);
}

TEST(AuditFile, K13_ChangeoverSurvivesACrashAtEachStep) {
  for (std::uint64_t writes = 0; writes < 12; ++writes) {
    Fixture f;
    f.options.file_bytes = 1500;
    ASSERT_TRUE(f.open());
    std::uint64_t acknowledged = 0;
    f.sim.disk.fail_after(writes + 8);
    while (acknowledged < 12 && f.append(acknowledged + 1, {event("drive")})) ++acknowledged;
    f.audit.reset();
    f.sim.disk.clear_faults();
    f.sim.disk.power_loss();
    const Status opened = f.open();
    ASSERT_TRUE(opened) << writes << " " << opened.error().text();
    EXPECT_GE(f.audit->last_mark().value_or(store::CommitMark{}).sequence, acknowledged);
    EXPECT_FALSE(f.verify().fault);
  }
}

TEST(AuditFile, K13_HalfDoneRenameIsFinished) {
  Fixture f;
  f.options.file_bytes = 1000;
  ASSERT_TRUE(f.open());
  for (std::uint64_t i = 1; i <= 20; ++i) ASSERT_TRUE(f.append(i, {event("drive")}));
  f.audit.reset();
  ASSERT_TRUE(f.sim.disk.rename(kCurrent, std::string(kDirectory) + "/audit.jsonl.new"));
  ASSERT_TRUE(f.open());
  EXPECT_EQ(f.audit->last_mark(), mark(20));
  EXPECT_FALSE(f.verify().fault);
}

TEST(AuditFile, K13_CheckpointsAreSignedAndChecked) {
  const auto key = crypto::PrivateKey::generate_p256();
  const auto other = crypto::PrivateKey::generate_p256().public_key();
  Fixture f;
  f.options.checkpoint_every_lines = 10;
  ASSERT_TRUE(f.open());
  const auto unsigned_yet = f.audit->checkpoint();
  ASSERT_FALSE(unsigned_yet);
  EXPECT_EQ(unsigned_yet.error().code, ErrorCode::kConflict);
  f.audit->set_checkpoint_signer([&](ByteView message) { return key.sign(message); });
  for (std::uint64_t i = 1; i <= 20; ++i) ASSERT_TRUE(f.append(i, {event("drive")}));
  ASSERT_TRUE(f.audit->checkpoint());
  const auto public_key = key.public_key();
  const VerifyReport report = f.verify(&public_key);
  EXPECT_FALSE(report.fault) << report.fault->message;
  EXPECT_GE(report.checkpoints, 4U);
  EXPECT_EQ(report.signatures_checked, report.checkpoints);
  const VerifyReport forged = f.verify(&other);
  ASSERT_TRUE(forged.fault);
  EXPECT_NE(forged.fault->message.find("signature"), std::string::npos);
}

// A disk with no room but what the reserve gives back.
class FullDisk final : public Disk {
 public:
  explicit FullDisk(Disk& inner) : inner_(inner) {}
  class FullFile final : public File {
   public:
    FullFile(FullDisk& disk, std::unique_ptr<File> inner) : disk_(disk), inner_(std::move(inner)) {}
    Result<std::size_t> read_at(std::uint64_t at, MutableByteView out) override {
      return inner_->read_at(at, out);
    }
    Status write_at(std::uint64_t at, ByteView data) override {
      if (disk_.room < data.size()) return fail(ErrorCode::kExhausted, "no space left");
      disk_.room -= data.size();
      return inner_->write_at(at, data);
    }
    Result<std::uint64_t> size() override { return inner_->size(); }
    Status truncate(std::uint64_t size) override { return inner_->truncate(size); }
    Status sync() override { return inner_->sync(); }

   private:
    FullDisk& disk_;
    std::unique_ptr<File> inner_;
  };
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode, unsigned permissions) override {
    return std::make_unique<FullFile>(*this, TRY(inner_.open(path, mode, permissions)));
  }
  Status rename(const std::string& from, const std::string& to) override { return inner_.rename(from, to); }
  Status remove(const std::string& path) override {
    const auto file = inner_.open(path, OpenMode::kRead, 0600);
    if (file) room += (*file)->size().value_or(0);
    return inner_.remove(path);
  }
  Status make_directories(const std::string& path, unsigned p) override {
    return inner_.make_directories(path, p);
  }
  Status sync_directory(const std::string& path) override { return inner_.sync_directory(path); }
  Result<std::vector<std::string>> list(const std::string& path) override { return inner_.list(path); }
  bool exists(const std::string& path) override { return inner_.exists(path); }
  Result<std::unique_ptr<File>> lock(const std::string& path) override { return inner_.lock(path); }

  std::uint64_t room = 1U << 30;

 private:
  Disk& inner_;
};

TEST(AuditFile, K13_ReserveKeepsRecordingOnAFullDisk) {
  Fixture f;
  FullDisk disk(f.sim.disk);
  Env env = f.sim.env();
  env.disk = &disk;
  f.options.reserve_bytes = 4096;
  auto audit = AuditFile::open(env, f.options).value();
  EXPECT_FALSE(audit->health().reserve_in_use);
  EXPECT_TRUE(disk.exists("/audit/audit.reserve"));
  disk.room = 0;
  ASSERT_TRUE(audit->note(std::vector{event("refused", Outcome::kFailure)}));
  EXPECT_TRUE(audit->health().reserve_in_use);
  EXPECT_FALSE(audit->health().stopped);
  EXPECT_NE(audit->health().text, "");
  std::uint64_t taken = 1;
  while (audit->note(std::vector{event("refused", Outcome::kFailure)})) ++taken;
  EXPECT_GT(taken, 10U);
  EXPECT_TRUE(audit->health().stopped);
  // With room again the next start goes on and the reserve is made anew.
  audit.reset();
  disk.room = 1U << 20;
  audit = AuditFile::open(env, f.options).value();
  EXPECT_FALSE(audit->health().reserve_in_use);
  EXPECT_EQ(audit->lines(), taken + 1);
  EXPECT_FALSE(f.verify().fault);
}

TEST(AuditFile, K13_ReserveIsMadeAgainWhenThereIsRoom) {
  Fixture f;
  FullDisk disk(f.sim.disk);
  Env env = f.sim.env();
  env.disk = &disk;
  f.options.reserve_bytes = 4096;
  auto audit = AuditFile::open(env, f.options).value();
  disk.room = 0;
  ASSERT_TRUE(audit->note(std::vector{event("a")}));
  ASSERT_TRUE(audit->health().reserve_in_use);
  disk.room = 1U << 20;
  ASSERT_TRUE(audit->note(std::vector{event("b")}));
  EXPECT_TRUE(audit->health().reserve_in_use);  // not at once
  f.sim.clock.advance(std::chrono::minutes(2));
  ASSERT_TRUE(audit->note(std::vector{event("c")}));
  EXPECT_FALSE(audit->health().reserve_in_use);
}

TEST(AuditQuery, K13_FiltersByTypeOutcomeTimeAndText) {
  Fixture f;
  f.options.file_bytes = 1500;
  ASSERT_TRUE(f.open());
  for (std::uint64_t i = 1; i <= 30; ++i) {
    const auto outcome = i % 3 == 0 ? Outcome::kFailure : Outcome::kSuccess;
    const auto type = i % 2 == 0 ? EventType::kAuthentication : EventType::kKeyServing;
    ASSERT_TRUE(f.append(i, {R"({"commit":)" + std::to_string(i) + R"(,"rows":[]})",
                             event("drive " + std::to_string(i), outcome, type)}));
    f.sim.clock.advance(std::chrono::minutes(1));
  }
  const auto run = [&](const Filter& filter) { return query(f.sim.disk, kDirectory, filter).value(); };
  EXPECT_EQ(run({}).size(), 30U);
  const auto last = run({.limit = 4});
  ASSERT_EQ(last.size(), 4U);
  EXPECT_EQ(last[0].actor, "drive 27");
  EXPECT_EQ(last[3].actor, "drive 30");
  EXPECT_EQ(last[3].json, event("drive 30", Outcome::kFailure, EventType::kAuthentication));
  const auto failed = run({.type = EventType::kAuthentication, .outcome = Outcome::kFailure});
  ASSERT_EQ(failed.size(), 5U);
  EXPECT_EQ(failed[0].actor, "drive 6");
  EXPECT_EQ(run({.text = "drive 2"}).size(), 11U);
  EXPECT_EQ(run({.since = last[0].at}).size(), 4U);
  EXPECT_EQ(run({.until = last[0].at}).size(), 26U);
  EXPECT_EQ(run({.after_line = last[2].line}).size(), 1U);
}

}  // namespace
}  // namespace tapewarden::audit
