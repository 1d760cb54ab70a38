// A running site with a tape engine's configuration: a virtual library with an LTO and a 3592 drive behind
// it, both in the drive table.
#pragma once

#include <fstream>
#include <regex>

#include "integration/tape_site.h"

namespace tapewarden::testing {

class EngineSite : public TapeSite {
 protected:
  static void SetUpTestSuite() {
    TapeSite::SetUpTestSuite();
    if (site_ == nullptr) return;
    TW_EXPECT_OK(configure(site()));
  }
  static std::string config_path() { return file("engine/taped.toml"); }

  // The section that the program drafts, with another drive; what it names; and its drives accepted.
  static Status configure(TestSite& at) {
    auto section = TRY(tapewarden({"engine", "draft", "--drives", "2"}));
    section = std::regex_replace(section, std::regex(", \"LTO "), ", \"3592 ");
    section = std::regex_replace(section, std::regex("cartridge_size = \"18T\""), "cartridge_size = \"64M\"");
    std::ofstream(at.path("engine/taped.toml"), std::ios::app) << section;
    (void)TRY(tapewarden({"engine", "init", "--site", at.directory()}));
    (void)TRY(tapewarden({"engine", "enrol", "--site", at.directory()}));
    static const std::regex kSerial("(?:LTO|3592) (TW[0-9A-Z]{8})");
    for (auto drive = std::sregex_iterator(section.begin(), section.end(), kSerial);
         drive != std::sregex_iterator(); ++drive)
      TRY(at.rest(Which::kPrimary).post("/v1/drives/00" + (*drive)[1].str() + "/accept"));
    return {};
  }
  static Status add_cartridges(const std::string& barcodes, const std::string& kind) {
    return add_cartridges(site(), barcodes, kind);
  }
  static Status add_cartridges(TestSite& at, const std::string& barcodes, const std::string& kind) {
    TRY(tapewarden({"engine", "add-cartridges", barcodes, "--kind", kind, "--site", at.directory()}));
    return {};
  }
  static Status make_kek(const std::string& label) {
    TRY(rest().post("/v1/keks",
                    json::object{{"common_name", "engine"}, {"bits", 2048}, {"labels", {label}}}));
    return {};
  }
  // Of the newest write in the ledger.
  static std::string state_of(const std::string& volser) {
    const auto rows = rest().get("/v1/ledger?volser=" + volser);
    if (!rows) return rows.error().text();
    const auto text = json::serialize(*rows);
    for (const auto* state : {"confirmed", "issued"})
      if (text.find("\"state\":\"" + std::string(state) + "\"") != std::string::npos) return state;
    return text;
  }
};

}  // namespace tapewarden::testing
