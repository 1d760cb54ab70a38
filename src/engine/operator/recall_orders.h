// Volumes that operators want back in the cache, and what became of that (feature row T7, recall method). In
// memory: after a restart nothing is wanted any more.
//
// Thread-safe. The desk and the clock outlive it; what is wanted stays wanted when it is gone.
//
// Invariants
//  1. A volume is asked for at the desk at most once by all operators.
//  2. What ended stays with its outcome, the newest kMaximumRecallsKept of them; asked again, it is open.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/thread_annotations.h"
#include "engine/operator/parts.h"

namespace tapewarden::engine {

struct RecallView {
  std::string volser;
  std::string state;    // "wanted", "done", "failed"
  std::string problem;  // of one that failed
  WallTime asked{};
  WallTime ended{};  // of one that ended
};

class RecallOrders {
 public:
  RecallOrders(Clock& clock, VolumeDesk& desk) : book_(std::make_shared<Book>(clock)), desk_(desk) {}

  // A line for each: wanted, or why it is not: in the cache already, nothing to bring back, unknown. Work
  // with tape brings those of one cartridge in the order in which they lie there.
  std::vector<OrderLine> ask(Catalogue& catalogue, const std::vector<std::string>& volsers);
  // Every volume whose active copy lies on the cartridge and that is not in the cache. kNotFound; kExhausted
  // when there are more than kMaximumRecallsOpen.
  Result<std::vector<OrderLine>> ask_all_on(Catalogue& catalogue, const std::string& barcode);
  // Open ones first, then what ended, the newest first.
  std::vector<RecallView> list() const { return book_->list(); }

 private:
  // Outlives the orders as long as somebody may still tell of an outcome.
  class Book {
   public:
    explicit Book(Clock& clock) : clock_(clock) {}
    // Nothing when it is to be asked for now; else what the operator is told instead.
    std::optional<OrderLine> open(const std::string& volser) TW_EXCLUDES(mutex_);
    void end(const std::string& volser, const Status& outcome) TW_EXCLUDES(mutex_);
    std::vector<RecallView> list() const TW_EXCLUDES(mutex_);

   private:
    Clock& clock_;
    mutable Mutex mutex_;
    std::map<std::string, WallTime> open_ TW_GUARDED_BY(mutex_);  // since when
    std::deque<RecallView> ended_ TW_GUARDED_BY(mutex_);          // oldest first
  };
  OrderLine want(const std::string& volser);

  const std::shared_ptr<Book> book_;
  VolumeDesk& desk_;
};

}  // namespace tapewarden::engine
