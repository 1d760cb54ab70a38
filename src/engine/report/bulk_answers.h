// Answers to bulk requests that hosts write on volumes. Thread-safe; borrows all that it is made of.
#pragma once

#include "engine/catalogue/catalogue.h"
#include "engine/report/statistics_book.h"
#include "engine/volume_answers.h"

namespace tapewarden::engine {

class BulkAnswers final : public VolumeAnswers {
 public:
  BulkAnswers(Catalogue& catalogue, const StatisticsBook& book, Clock& clock)
      : catalogue_(catalogue), book_(book), clock_(clock) {}
  bool is_request(std::string_view text) const override;
  Pieces answer(std::string_view text) override;

 private:
  Catalogue& catalogue_;
  const StatisticsBook& book_;
  Clock& clock_;
};

}  // namespace tapewarden::engine
