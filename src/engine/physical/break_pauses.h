// How long a drive is left alone that answers when it is asked and breaks again at work: each time in a row
// twice as long, so that it does not take one cartridge after the other into itself. Counted in rounds of
// whoever asks drives again. A value; one thread at a time.
#pragma once

#include <algorithm>

namespace tapewarden::engine {

inline constexpr unsigned kMostRoundsOfABreak = 32;

class BreakPauses {
 public:
  // In each round for a drive that could be asked again, with PhysicalDriveStatus::breaks. Whether it is its
  // turn: the first break is asked again in the next round, as is a drive that did not break at work.
  bool its_turn(unsigned breaks) {
    if (breaks != seen_) {
      seen_ = breaks;
      left_ = 1;
      for (unsigned i = 1; i < breaks && left_ < kMostRoundsOfABreak; ++i) left_ *= 2;
    }
    left_ = std::max(left_, 1U) - 1;
    return left_ == 0;
  }

 private:
  unsigned seen_ = 0;
  unsigned left_ = 0;  // rounds
};

}  // namespace tapewarden::engine
