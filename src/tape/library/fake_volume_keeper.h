// A keeper of cartridges for tests, and a library that is served by it. Not part of the library.
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>

#include "tape/library/kept_cartridges.h"
#include "tape/library/library_test_kit.h"

namespace tapewarden::tape::test {

// Gives files by barcode. It finds fault with a library that does not keep to the interface, and writes down
// what it is asked.
class FakeVolumeKeeper final : public VolumeKeeper {
 public:
  enum class Answer { kAtOnce, kLater, kError };

  // Settings, before the library calls.
  std::map<std::string, std::string> files;  // path by barcode
  std::optional<Error> return_fault;
  std::function<void()> on_returned;
  std::function<void()> on_fetched;

  void answer(Answer how) {
    const std::lock_guard lock(mutex_);
    answer_ = how;
  }
  // What it was asked since the last time: "fetch A00001L9", "give up …", "returned …".
  std::vector<std::string> take_asked() {
    const std::lock_guard lock(mutex_);
    return std::exchange(asked_, {});
  }
  bool listened_to() {
    const std::lock_guard lock(mutex_);
    return static_cast<bool>(brought_);
  }
  bool wanted(const std::string& barcode) {
    const std::lock_guard lock(mutex_);
    return coming_.contains(barcode);
  }
  // Files that drives have.
  std::set<std::string> lent() {
    const std::lock_guard lock(mutex_);
    std::set<std::string> barcodes;
    for (const auto& [barcode, drive] : lent_) barcodes.insert(barcode);
    return barcodes;
  }
  // Tells the library that a cartridge that it waits for has come, or will not. False: nobody waits for it.
  bool bring(const std::string& barcode) { return tell(barcode, files.at(barcode)); }
  bool fail_to_bring(const std::string& barcode) {
    return tell(barcode, fail(ErrorCode::kIo, "no copy of " + barcode + " could be read"));
  }

  void tell_when_brought(Brought brought) override {
    std::unique_lock lock(mutex_);
    brought_ = std::move(brought);
    if (!brought_) call_over_.wait(lock, [this] { return calling_.empty(); });
  }
  Result<std::optional<std::string>> fetch(const std::string& barcode, const Uuid& volume,
                                           const std::string& drive) override {
    Result<std::optional<std::string>> given{std::nullopt};
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back("fetch " + barcode);
      EXPECT_TRUE(brought_) << "nobody listens";
      EXPECT_NE(volume, Uuid());
      EXPECT_FALSE(lent_.contains(barcode)) << barcode << " is in " << lent_[barcode];
      EXPECT_FALSE(coming_.contains(barcode)) << barcode << " is wanted already";
      if (answer_ == Answer::kError) return fail(ErrorCode::kUnavailable, "the cache cannot be read");
      if (answer_ == Answer::kAtOnce) {
        given = std::optional(files.at(barcode));
        lent_[barcode] = drive;
      } else {
        coming_[barcode] = drive;
      }
    }
    if (on_fetched) on_fetched();
    return given;
  }
  void give_up(const std::string& barcode, const std::string& drive) override {
    std::unique_lock lock(mutex_);
    asked_.push_back("give up " + barcode);
    const bool known =
        take(coming_, barcode, drive) || take(lent_, barcode, drive) || calling_.contains(barcode);
    EXPECT_TRUE(known) << barcode << " was not fetched for " << drive;
    call_over_.wait(lock, [&] { return !calling_.contains(barcode); });
  }
  Status returned(const std::string& barcode, const std::string& drive) override {
    if (on_returned) on_returned();
    const std::lock_guard lock(mutex_);
    asked_.push_back("returned " + barcode);
    EXPECT_TRUE(take(lent_, barcode, drive)) << barcode << " was not lent to " << drive;
    if (return_fault) return std::unexpected(*return_fault);
    return {};
  }

 private:
  static bool take(std::map<std::string, std::string>& from, const std::string& barcode,
                   const std::string& drive) {
    const auto found = from.find(barcode);
    if (found == from.end() || found->second != drive) return false;
    from.erase(found);
    return true;
  }
  bool tell(const std::string& barcode, const Result<std::string>& path) {
    Brought brought;
    std::string drive;
    {
      const std::lock_guard lock(mutex_);
      const auto found = coming_.find(barcode);
      if (found == coming_.end() || !brought_) return false;
      drive = found->second;
      coming_.erase(found);
      if (path) lent_[barcode] = drive;
      calling_.insert(barcode);
      brought = brought_;
    }
    brought(drive, barcode, path);
    {
      const std::lock_guard lock(mutex_);
      calling_.erase(barcode);
    }
    call_over_.notify_all();
    return true;
  }

  std::mutex mutex_;
  std::condition_variable call_over_;
  Brought brought_;
  Answer answer_ = Answer::kAtOnce;
  std::map<std::string, std::string> coming_;  // drive by barcode
  std::map<std::string, std::string> lent_;
  std::set<std::string> calling_;
  std::vector<std::string> asked_;
};

// As LibraryBench has them, from a keeper: slot 1 to 4 hold A00001L9 to A00004L9, slot 5 J00001. The files
// lie in cache/ of the drives' disk.
struct KeptBench : RobotBench {
  using Answer = FakeVolumeKeeper::Answer;
  std::unique_ptr<FakeVolumeKeeper> cache = std::make_unique<FakeVolumeKeeper>();

  explicit KeptBench(std::optional<Env> drives = std::nullopt, const std::string& folder = "cache") {
    spec.kept = true;
    drive_env = drives;
    EXPECT_TRUE(take(LibraryFolder::create(sim.env(), spec)));
    {
      auto library_folder = take(LibraryFolder::open(sim.env(), spec));
      std::vector<NewKeptCartridge> cartridges;
      for (const std::string barcode : {"A00001L9", "A00002L9", "A00003L9", "A00004L9", "J00001"})
        cartridges.push_back(make(barcode, folder + "/" + barcode));
      done(put_kept_cartridges(*library_folder, cartridges));
    }
    keeper = cache.get();
    start();
  }
  ~KeptBench() { library.reset(); }  // before its keeper
  NewKeptCartridge make(const std::string& barcode, const std::string& path) {
    const auto kind = barcode.starts_with("J") ? MediumKind::k3592 : MediumKind::kLto;
    auto cartridge = small_cartridge(kind);
    cartridge.volser = barcode;
    const auto made = test::take(Cartridge::create(drive_env ? *drive_env : sim.env(), path, cartridge));
    cache->files[barcode] = path;
    return {.barcode = barcode, .volume = made->identity().volume, .kind = kind};
  }
  // Another program, with a keeper that remembers nothing but its files.
  void start_again(Answer how = Answer::kAtOnce) {
    library.reset();
    auto next = std::make_unique<FakeVolumeKeeper>();
    next->files = cache->files;
    next->answer(how);
    cache = std::move(next);
    keeper = cache.get();
    start();
  }
};

}  // namespace tapewarden::tape::test
