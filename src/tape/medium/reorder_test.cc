// A disk that keeps any choice of the writes that were not synced, whole: what a write-back cache does when
// the power goes. Finds every sync that is missing between two writes of which the second relies on the
// first.
#include <algorithm>
#include <functional>

#include "tape/medium/cartridge_test_kit.h"
#include "tape/medium/inspect.h"
#include "tape/medium/layout.h"

namespace tapewarden::tape {
namespace {

using namespace test;
using tapewarden::testing::SimDisk;
using tapewarden::testing::SimEnv;

class ReorderingDisk final : public Disk {
 public:
  explicit ReorderingDisk(SimDisk& inner) : inner_(inner), synced_(inner.content(kPath)) {}

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode, unsigned permissions) override {
    return std::make_unique<LoggedFile>(*this, TRY(inner_.open(path, mode, permissions)));
  }
  Status rename(const std::string& from, const std::string& to) override { return inner_.rename(from, to); }
  Status remove(const std::string& path) override { return inner_.remove(path); }
  Status make_directories(const std::string& path, unsigned permissions) override {
    return inner_.make_directories(path, permissions);
  }
  Status sync_directory(const std::string& path) override { return inner_.sync_directory(path); }
  Result<std::vector<std::string>> list(const std::string& path) override { return inner_.list(path); }
  bool exists(const std::string& path) override { return inner_.exists(path); }
  Result<std::unique_ptr<File>> lock(const std::string& path) override { return inner_.lock(path); }

  std::size_t unsynced() const { return log_.size(); }
  // The file as it is after a loss of power that only the chosen writes survive.
  Bytes after_power_loss(const std::function<bool(std::size_t)>& survives) const {
    Bytes content = synced_;
    for (std::size_t i = 0; i < log_.size(); ++i) {
      const Change& change = log_[i];
      if (!survives(i)) continue;
      if (change.truncate) {
        content.resize(change.offset);
        continue;
      }
      content.resize(std::max<std::size_t>(content.size(), change.offset + change.data.size()));
      copy_bytes(MutableByteView(content).subspan(change.offset), change.data);
    }
    return content;
  }

 private:
  struct Change {
    std::uint64_t offset;
    Bytes data;
    bool truncate;
  };

  class LoggedFile final : public File {
   public:
    LoggedFile(ReorderingDisk& disk, std::unique_ptr<File> inner) : disk_(disk), inner_(std::move(inner)) {}
    Result<std::size_t> read_at(std::uint64_t offset, MutableByteView out) override {
      return inner_->read_at(offset, out);
    }
    Status write_at(std::uint64_t offset, ByteView data) override {
      TRY(inner_->write_at(offset, data));
      disk_.log_.push_back({offset, to_bytes(data), false});
      return {};
    }
    Result<std::uint64_t> size() override { return inner_->size(); }
    Status truncate(std::uint64_t size) override {
      TRY(inner_->truncate(size));
      disk_.log_.push_back({size, {}, true});
      return {};
    }
    Status sync() override {
      TRY(inner_->sync());
      disk_.synced_ = disk_.inner_.content(kPath);
      disk_.log_.clear();
      return {};
    }

   private:
    ReorderingDisk& disk_;
    std::unique_ptr<File> inner_;
  };

  SimDisk& inner_;
  Bytes synced_;
  std::vector<Change> log_;
};

struct Acknowledged {
  std::vector<Bytes> objects;
  std::size_t synced = 0;
};

// Two visits with records large enough to be flushed one by one, marks, an overwrite, key information.
Status visit_twice(const Env& env, Acknowledged& now) {
  for (std::uint32_t visit = 0; visit < 2; ++visit) {
    auto tape = TRY(Cartridge::open(env, kPath, CartridgeMode::kReadWrite));
    SessionSpec session = sealed_with(key(1));
    session.key_info.akad = to_bytes("visit " + std::to_string(visit));
    TRY(tape->set_write_session(session));
    TRY(tape->to_end_of_data());
    for (std::uint32_t i = 0; i < 4; ++i) {
      now.objects.push_back(record(visit * 10 + i, 270000));
      TRY(tape->write_record(now.objects.back()));
      if (i != 2) continue;
      now.objects.emplace_back();
      TRY(tape->write_filemarks(1));
      now.synced = now.objects.size();
    }
    TRY(tape->sync());
    now.synced = now.objects.size();
    TRY(tape->locate(now.objects.size() - 1));
    now.synced = now.objects.size() - 1;
    now.objects.back() = record(90 + visit, 280000);
    TRY(tape->write_record(now.objects.back()));
    TRY(tape->unload());
    now.synced = now.objects.size();
  }
  return {};
}

void check(SimEnv& sim, const Acknowledged& expected) {
  auto opened = Cartridge::open(sim.env(), kPath, CartridgeMode::kReadWrite);
  ASSERT_TRUE(opened) << opened.error().text();
  (*opened)->set_read_key(key(1));
  const auto content = read_all(**opened);
  ASSERT_TRUE(content) << content.error().text();
  ASSERT_GE(content->size(), expected.synced);
  for (std::size_t i = 0; i < expected.synced; ++i) ASSERT_EQ((*content)[i], expected.objects[i]) << i;
  EXPECT_FALSE((*opened)->key_info().all_lost);
}

TEST(Reorder, D4_AnyChoiceOfUnsyncedWritesSurvivingKeepsWhatWasSynced) {
  unsigned losses = 0;
  for (std::uint64_t count = 0;; ++count) {
    SimEnv sim(60);
    make(sim).reset();
    ReorderingDisk disk(sim.disk);
    Env env = sim.env();
    env.disk = &disk;
    Acknowledged expected;
    sim.disk.fail_after(count);
    const Status result = visit_twice(env, expected);
    sim.disk.clear_faults();
    const std::size_t writes = disk.unsynced();
    const auto lose = [&](const std::function<bool(std::size_t)>& survives) {
      sim.disk.content(kPath) = disk.after_power_loss(survives);
      ++losses;
      check(sim, expected);
    };
    for (std::size_t one = 0; one <= writes && !HasFatalFailure(); ++one) {
      SCOPED_TRACE("after " + std::to_string(count) + " writes, number " + std::to_string(one));
      lose([one](std::size_t i) { return i == one; });
      lose([one](std::size_t i) { return i != one; });
    }
    if (result || HasFatalFailure()) break;
  }
  std::printf("power losses: %u\n", losses);
  EXPECT_GT(losses, 100U);
}

TEST(Reorder, D4_TheSaltIsStableBeforeTheFirstRecord) {
  SimEnv sim(61);
  auto tape = make(sim);
  done(tape->set_write_session(sealed_with(key(1))));
  done(tape->write_record(record(1)));
  tape.reset();
  sim.disk.power_loss();
  const Inspection seen = take(inspect(sim.env(), kPath));
  EXPECT_EQ(seen.counts.sessions, 1U);
  EXPECT_EQ(seen.counts.data, 0U);
}

}  // namespace
}  // namespace tapewarden::tape
