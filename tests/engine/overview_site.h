// The site of the overview's scenarios: hosts over iSCSI, one tape engine, and two key servers, each a
// process, for all paragraphs of docs/overview-scenarios.md that need them. Each test uses pools, cartridges
// and volumes of its own.
#pragma once

#include <gmock/gmock.h>

#include "engine/scenario_site.h"

namespace tapewarden::testing {

inline constexpr std::size_t kVolume = 20U << 20;
inline constexpr std::size_t kSmall = 3U << 20;
inline constexpr std::size_t kThird = 8U << 20;  // of a small cartridge; a little less

class Overview : public ScenarioSite {
 protected:
  static void SetUpTestSuite() {
    ScenarioSite::SetUpTestSuite();
    if (node_ == nullptr) return;
    for (const auto* group : {"STORY", "DAILY"}) TW_EXPECT_OK(make_group(group, 8));
    for (const auto* label : {"June 2007 Key", "June 2007 DR Site Key", "KEK 1", "KEK 2"})
      TW_EXPECT_OK(make_kek(label));
    // As many as the library behind the engine has slots.
    TW_EXPECT_OK(add_cartridges("LTO001L9-LTO024L9", "LTO"));
    TW_EXPECT_OK(add_cartridges("ENT001-ENT012", "3592"));
    TW_EXPECT_OK(tapewarden({"engine", "add-cartridges", "SML001L9-SML004L9", "--kind", "LTO", "--capacity",
                             "26M", "--site", site().directory()}));
    TW_EXPECT_OK(site().wait_in_step());
    TW_EXPECT_OK(node().start());
  }
  static Status pool_of_group(int pool, const std::string& group) {
    return node().set_pool(pool, {{"encryption", "identified"}, {"key_group", group}});
  }
  static Status pool_of_labels(int pool, const json::object& labels) {
    json::object settings{{"media", "3592"}, {"encryption", "wrapped"}};
    for (const auto& [name, value] : labels) settings[name] = value;
    return node().set_pool(pool, settings);
  }
  static Status storage_group(const std::string& name, int pool) {
    (void)TRY(
        node().as("officer-1").post("/v1/storage-groups", json::object{{"name", name}, {"pool", pool}}));
    return {};
  }
  static Status management_class(const std::string& name, int pool) {
    (void)TRY(
        node().as("officer-1").post("/v1/management-classes", json::object{{"name", name}, {"pool", pool}}));
    return {};
  }
  // Another pool for a storage group that there is.
  static Status storage_group_to(const std::string& name, int pool) {
    (void)TRY(node().as("officer-1").patch("/v1/storage-groups/" + name, json::object{{"pool", pool}}));
    return {};
  }
  static Status order(const std::string& target, const json::object& body = {}) {
    (void)TRY(node().as("operator").post(target, body));
    return {};
  }
  // The same of a cartridge, as soon as work has let go of it.
  static Status order_when_free(const std::string& target, const json::object& body = {}) {
    std::string why;
    const bool done = eventually([&] {
      const auto ordered = order(target, body);
      if (!ordered) why = ordered.error().text();
      return ordered.has_value();
    });
    if (done) return {};
    return fail(ErrorCode::kTimeout, why);
  }
  // It takes no more.
  static Status closed(const std::string& barcode) {
    return order_when_free("/v1/physical-volumes/" + barcode + "/close");
  }
  // By an operator's order; their files are shredded.
  static Status out_of_cache(const std::vector<std::string>& volsers) {
    for (const auto& volser : volsers) {
      TRY(order("/v1/volumes/" + volser + "/evict"));
      if (node().residence(volser) != "migrated")
        return fail(ErrorCode::kConflict, volser + " is " + node().residence(volser));
    }
    return {};
  }
  static void expect_read_back(const std::string& volser, ByteView data) {
    const auto back = node().restore(volser, data.size());
    TW_EXPECT_OK(back);
    EXPECT_TRUE(back && std::ranges::equal(*back, data)) << volser;
  }
  // `tapewarden` as an operator of the engine.
  static std::string shown(std::vector<std::string> words) {
    words.insert(words.end(), {"--site", site().directory(), "--as", "operator"});
    const auto answer = tapewarden(std::move(words));
    return answer ? *answer : answer.error().text();
  }
  // A volume of the storage group, written and copied.
  static Status saved(const std::string& volser, const std::string& group, ByteView data) {
    TRY(node().insert_volumes(volser, {{"storage_group", group}}));
    TRY(node().save(volser, data));
    return node().wait_until_copied(volser);
  }
  static std::vector<std::string> cartridges_of(const std::string& volser) {
    const auto volume = node().look("/v1/volumes/" + volser);
    if (!volume) return {volume.error().text()};
    std::vector<std::string> out;
    for (const auto& copy : volume->at("copies").as_array())
      out.emplace_back(copy.at("physical_volume").as_string());
    return out;
  }
  // In the last mount; it is remembered when it has ended.
  static void expect_giver(const std::string& name, const std::string& giver) {
    EXPECT_TRUE(eventually([&] { return key_giver(name).starts_with(giver); })) << key_giver(name);
  }
  static void expect_trace(const std::string& name, const std::vector<std::string>& steps) {
    EXPECT_TRUE(eventually([&] { return steps_of(name) == steps; }))
        << name << ": " << ::testing::PrintToString(steps_of(name));
  }
  static std::string field_of(const std::string& barcode, std::string_view field) {
    return node().text("/v1/physical-volumes/" + barcode, field);
  }
};

}  // namespace tapewarden::testing
