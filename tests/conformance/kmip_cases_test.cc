// The OASIS KMIP test cases against the engine of the key server, case by case in the order that they ask
// for.
#include <algorithm>
#include <gtest/gtest.h>
#include <iostream>
#include <map>

#include "base/concat.h"
#include "kmip_server.h"
#include "oasis_case.h"

namespace tapewarden::conformance {
namespace {

namespace fs = std::filesystem;

// Empty: the case passed.
std::string run(KmipServer& server, Placeholders& placeholders, const Case& what) {
  std::size_t step = 0;
  placeholders.begin(what);
  for (const auto& exchange : what.exchanges) {
    const auto at = concat("step ", step++, ": ");
    const auto xml = placeholders.filled_in(exchange.request);
    if (!xml) return at + xml.error().text();
    const auto bytes = kmip::encoding::from_xml(*xml);
    if (!bytes) return at + bytes.error().text();
    const auto answer = server.ask(*bytes);
    const auto document = ttlv::decode(answer);
    if (!document) return at + "no answer";
    const auto got = kmip::encoding::to_xml(document->root());
    const auto difference = placeholders.compare(exchange.response, got);
    if (!difference.empty()) return concat(at, difference, "\n", *xml, got);
  }
  return {};
}

std::string run_together(const std::vector<fs::path>& paths) {
  KmipServer server;
  Placeholders placeholders(server.now());
  for (const auto& path : paths) {
    const auto read = read_case(path);
    if (!read) return read.error().text();
    const auto difference = run(server, placeholders, *read);
    if (!difference.empty()) return concat(path.filename().string(), ": ", difference);
  }
  return {};
}

// Cases that build on what the one before them left, by the beginning of their names.
constexpr std::string_view kSeries[] = {"TL-M-", "SASED-M-"};

std::string series_of(const std::string& name) {
  for (const auto series : kSeries) {
    if (name.starts_with(series)) return std::string(series);
  }
  return name;
}

using Outcomes = std::map<std::string, std::string>;  // by the case's name: empty, or what differs

Outcomes run_all(const fs::path& folder) {
  std::map<std::string, std::vector<fs::path>> groups;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".xml") continue;
    groups[series_of(entry.path().stem().string())].push_back(entry.path());
  }
  Outcomes out;
  KmipServer server;
  for (auto& [series, paths] : groups) {
    std::ranges::sort(paths);
    Placeholders placeholders(server.now());
    for (const auto& path : paths) {
      const auto read = read_case(path);
      out[path.stem().string()] = read ? run(server, placeholders, *read) : read.error().text();
    }
  }
  return out;
}

TEST(KmipCases, DISABLED_ListThem) {
  for (const auto* folder : {"v1.4", "v2.1"}) {
    for (const auto& [name, difference] : run_all(vectors() / folder / "mandatory")) {
      std::cout << (difference.empty() ? "pass " : "FAIL ") << name << " " << difference << "\n";
    }
  }
}

class TapeLibraryProfile : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!fs::is_directory(vectors())) {
      GTEST_SKIP() << "no KMIP vectors at " << vectors() << ": set TAPEWARDEN_VECTORS to their folder";
    }
  }
};

TEST_P(TapeLibraryProfile, K21_AKeyIsMadeFoundServedChangedAndDestroyed) {
  const std::string version = GetParam();
  for (const auto* folder : {"v1.0-1.2-tape-library", "v1.3", "v1.4", "v2.0", "v2.1"}) {
    const auto mandatory = vectors() / folder / "mandatory";
    if (!fs::exists(mandatory / ("TL-M-1-" + version + ".xml"))) continue;
    std::vector<fs::path> cases;
    for (const auto* number : {"1", "2", "3"}) {
      cases.push_back(mandatory / concat("TL-M-", number, "-", version, ".xml"));
    }
    EXPECT_EQ(run_together(cases), "");
    return;
  }
  ADD_FAILURE() << "no cases of version " << version;
}

INSTANTIATE_TEST_SUITE_P(Versions, TapeLibraryProfile,
                         ::testing::Values("10", "11", "12", "13", "14", "20", "21"));

}  // namespace
}  // namespace tapewarden::conformance
