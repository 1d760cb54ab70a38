#include "engine/report/bulk_answers.h"

#include <gmock/gmock.h>

#include "engine/catalogue/catalogue_test_kit.h"

namespace tapewarden::engine {
namespace {

using ::testing::HasSubstr;

struct BulkAnswersTest : ::testing::Test {
  testing::Box box;
  StatisticsBook book{box.now()};
  BulkAnswers answers{*box, book, box.clock()};
};

TEST_F(BulkAnswersTest, T10_ARequestIsAnsweredByItsReport) {
  book.volume_recalled(5);
  const std::string text = "VTS BULK VOLUME DATA REQUEST\nPOINT IN TIME STATISTICS\n";
  ASSERT_TRUE(answers.is_request(text));
  EXPECT_FALSE(answers.is_request("a backup"));
  auto pieces = answers.answer(text);
  std::string all;
  while (const auto piece = pieces().value()) all += *piece;
  EXPECT_THAT(all, HasSubstr("volumes_recalled"));
  EXPECT_THAT(all, HasSubstr("END, "));
  EXPECT_FALSE(answers.is_request(all)) << "or it would be answered again";
}

TEST_F(BulkAnswersTest, T10_WhatIsWrongWithARequestIsItsAnswer) {
  auto pieces = answers.answer("VTS BULK VOLUME DATA REQUEST\nVOLUME MOP\n");
  const auto piece = pieces();
  ASSERT_FALSE(piece);
  EXPECT_THAT(piece.error().text(), HasSubstr("VOLUME MAP"));
}

}  // namespace
}  // namespace tapewarden::engine
