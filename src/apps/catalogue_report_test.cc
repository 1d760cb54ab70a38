// What people and programs are told of a rebuilt catalogue.
#include <boost/json.hpp>
#include <gmock/gmock.h>

#include "apps/catalogue_rebuild.h"
#include "people/events.h"

namespace tapewarden::apps {
namespace {

namespace json = boost::json;
using engine::FindingKind;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

RebuiltCatalogue whole() {
  RebuiltCatalogue made{.engine = Uuid::from(Bytes(16, 7)), .report = {}, .library = {}, .aside = {}};
  made.in_place = true;
  made.report.cartridges_read = 3;
  made.report.volumes = 20;
  made.report.with_content = 12;
  made.report.backup_made = from_millis(1'789'500'000'000);
  return made;
}

TEST(CatalogueReport, T12_WhatIsWholeSaysSoAndNothingElse) {
  const auto made = whole();
  EXPECT_FALSE(found_damage(made));
  EXPECT_THAT(text_of(made), AllOf(HasSubstr("3 cartridges"), HasSubstr("20 logical volumes, 12 of them"),
                                   HasSubstr("is in its place"), Not(HasSubstr("Lost or damaged")),
                                   Not(HasSubstr("Not known")), Not(HasSubstr("cache"))));
  const auto object = json::parse(json_of(made)).as_object();
  EXPECT_TRUE(object.at("in_place").as_bool());
  EXPECT_FALSE(object.at("damage").as_bool());
  EXPECT_EQ(object.at("findings").as_array().size(), 0U);
  EXPECT_EQ(object.at("set_aside").as_string(), "");
  EXPECT_THAT(audit_fields(made), AllOf(Contains(Pair("in_place", "yes")), Contains(Pair("volumes", "20")),
                                        Not(Contains(Pair("set_aside", ::testing::_)))));
}

TEST(CatalogueReport, T12_OnlyWhatIsLostOrDamagedIsDamage) {
  for (std::size_t i = 0; i < engine::kFindingKinds; ++i) {
    auto made = whole();
    const auto kind = static_cast<FindingKind>(i);
    made.report.find(kind, "VOL001", "the reason");
    const auto text = text_of(made);
    EXPECT_THAT(text,
                AllOf(HasSubstr(std::string(to_string(kind)) + " (1)"), HasSubstr("VOL001: the reason")))
        << "every kind is told";
    EXPECT_EQ(found_damage(made), text.find("Lost or damaged") != std::string::npos);
    const auto told = json::parse(json_of(made)).at("findings").as_array();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].at("kind").as_string(), std::string(to_string(kind)));
    EXPECT_EQ(told[0].at("part") == "lost-or-damaged", found_damage(made));
    EXPECT_EQ(told[0].at("items").at(0).at("subject").as_string(), "VOL001");
    EXPECT_THAT(audit_fields(made), Contains(Pair("found", std::string(to_string(kind)) + " 1")));
  }
}

TEST(CatalogueReport, T12_TheAuditRecordTakesWhateverWasFound) {
  auto made = whole();
  made.aside = "/data/set-aside-1";
  for (std::size_t i = 0; i < engine::kFindingKinds; ++i)
    made.report.find(static_cast<FindingKind>(i), "VOL001", "the reason");
  const auto record = people::to_record({.action = "catalogue.rebuild",
                                         .actor = people::local_principal("catalogue-rebuild"),
                                         .fields = audit_fields(made)});
  EXPECT_THAT(record, AllOf(HasSubstr("\"in_place\":\"yes\""), HasSubstr("lost-volume 1, older-content 1"),
                            HasSubstr("\"set_aside\":\"/data/set-aside-1\"")));
}

TEST(CatalogueReport, T12_OfManyTheNumberIsToldAndControlCharactersAreNot) {
  auto made = whole();
  for (int i = 0; i < 3'000; ++i) made.report.find(FindingKind::kLostVolume, "VOL", "a\x1b[2J");
  const auto text = text_of(made);
  EXPECT_THAT(text, AllOf(HasSubstr("lost-volume (3000)"), HasSubstr(" more\n"), Not(HasSubstr("\x1b"))));
  const auto lost = json::parse(json_of(made)).at("findings").at(0);
  EXPECT_EQ(lost.at("count").to_number<int>(), 3'000);
  EXPECT_LT(lost.at("items").as_array().size(), 3'000U);
  EXPECT_THAT(audit_fields(made), Contains(Pair("found", "lost-volume 3000")));
}

TEST(CatalogueReport, T12_WhereThingsAreNowIsSaid) {
  auto made = whole();
  made.aside = "/data/set-aside-1";
  made.library.put = {"VOL001"};
  made.library.unknown = std::vector<std::string>(60, "OLD001");
  made.lost_cache_files = 2;
  EXPECT_THAT(text_of(made), AllOf(HasSubstr("lies in /data/set-aside-1"), HasSubstr("1 volume put back"),
                                   HasSubstr("60 volumes taken off"), HasSubstr("and 10 more"),
                                   HasSubstr("2 files of the cache"), HasSubstr("accept-cache-loss")));
  const auto object = json::parse(json_of(made)).as_object();
  EXPECT_EQ(object.at("set_aside").as_string(), "/data/set-aside-1");
  EXPECT_EQ(object.at("put_into_library").as_array().size(), 1U);
  EXPECT_EQ(object.at("taken_off_library").as_array().size(), 60U) << "a program gets them all";
  EXPECT_EQ(object.at("lost_cache_files").to_number<int>(), 2);
  made.in_place = false;
  EXPECT_THAT(text_of(made), AllOf(HasSubstr("NOT put in its place"), HasSubstr("--incomplete")));
  EXPECT_THAT(audit_fields(made), Contains(Pair("in_place", "no")));
}

TEST(CatalogueReport, T12_WithoutABackupThatIsSaid) {
  auto made = whole();
  made.report.backup_made.reset();
  EXPECT_THAT(text_of(made), HasSubstr("Newest backup on them: none"));
  EXPECT_EQ(json::parse(json_of(made)).at("backup_made").as_string(), "");
}

}  // namespace
}  // namespace tapewarden::apps
