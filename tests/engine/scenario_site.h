// A running pair of key servers and one engine node before them, for all tests of a suite: each uses pools,
// cartridges and volumes of its own.
#pragma once

#include <algorithm>
#include <filesystem>
#include <functional>

#include "engine/engine_node.h"
#include "engine/engine_site.h"

namespace tapewarden::testing {

class ScenarioSite : public EngineSite {
 protected:
  static void SetUpTestSuite() {
    EngineSite::SetUpTestSuite();
    if (site_ == nullptr) return;
    auto made = EngineNode::of_site(site());
    ASSERT_TRUE(made) << made.error().text();
    node_ = std::move(*made);
    TW_EXPECT_OK(small_cache(*node_));
  }
  static void TearDownTestSuite() {
    if (node_ != nullptr && node_->taped().running()) TW_EXPECT_OK(node_->stop());
    node_.reset();
    EngineSite::TearDownTestSuite();
  }
  void SetUp() override {
    EngineSite::SetUp();
    ASSERT_NE(node_, nullptr);
    ASSERT_TRUE(node_->taped().running()) << node_->log();
  }
  static EngineNode& node() { return *node_; }

  // Room for a volume of 800 and one of 400 MiB, and as good as nothing more.
  static Status small_cache(EngineNode& node) {
    TRY(node.taped().edit_config("cache_limit = \"100G\"", "cache_limit = \"1300M\""));
    return node.taped().edit_config("volume_size = 800", "volume_size = 400");
  }
  static Status pool_of_group(int pool, const std::string& group) {
    return node().set_pool(pool, {{"encryption", "identified"}, {"key_group", group}});
  }
  static Status storage_group(const std::string& name, int pool) {
    (void)TRY(
        node().as("officer-1").post("/v1/storage-groups", json::object{{"name", name}, {"pool", pool}}));
    return {};
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
  // Whether one of these folders has a file with a piece of the data in it.
  static bool lies_open_in(const std::vector<std::string>& folders, ByteView data) {
    constexpr std::size_t kPiece = 16;  // bytes, found nowhere by chance
    constexpr std::size_t kPieces = 4;
    for (const auto& folder : folders)
      for (const auto& entry : std::filesystem::recursive_directory_iterator(file(folder))) {
        if (!entry.is_regular_file()) continue;
        const auto content = read_bytes(entry.path().string());
        for (std::size_t i = 0; i < kPieces; ++i) {
          const auto piece = data.subspan(i * (data.size() / kPieces) + kPiece, kPiece);
          const std::boyer_moore_horspool_searcher search(piece.begin(), piece.end());
          if (std::search(content.begin(), content.end(), search) != content.end()) return true;
        }
      }
    return false;
  }
  // The steps of the last mount of a volume or a cartridge, without repetitions.
  static std::vector<std::string> steps_of(const std::string& name) {
    auto steps = node().column("/v1/traces/" + name + "?last=1", "step");
    steps.erase(std::unique(steps.begin(), steps.end()), steps.end());
    return steps;
  }
  // Who gave the key in it.
  static std::string key_giver(const std::string& name) {
    for (const auto& from : node().column("/v1/traces/" + name + "?last=1", "from"))
      if (from.starts_with("key server ")) return from;
    return "nobody";
  }
  static bool told(const std::string& text) {
    const auto texts = node().column("/v1/host-messages?limit=1000", "text");
    return std::ranges::find(texts, text) != texts.end();
  }

  static inline std::unique_ptr<EngineNode> node_;
};

}  // namespace tapewarden::testing
