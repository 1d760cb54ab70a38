// The OASIS KMIP test cases against the engine of the key server, case by case in the order that they ask
// for.
#include <algorithm>
#include <gtest/gtest.h>
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
  server.set_export(true);  // BL-M-13-21 gets a private key
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

// Cases whose Query lists every operation of the specification, Poll, Notify and others that this server does
// not offer, though their profiles ask for Query alone: everything else of them is compared.
constexpr std::string_view kListsEverything[] = {"MSGENC-", "SUITEB_"};

bool lists_everything(const std::string& name) {
  return std::ranges::any_of(kListsEverything, [&](std::string_view mark) { return name.starts_with(mark); });
}

Outcomes run_all(const fs::path& folder) {
  std::map<std::string, std::vector<fs::path>> groups;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".xml") continue;
    groups[series_of(entry.path().stem().string())].push_back(entry.path());
  }
  Outcomes out;
  KmipServer server;
  server.set_export(true);  // BL-M-13-21 gets a private key
  for (auto& [series, paths] : groups) {
    std::ranges::sort(paths);
    Placeholders placeholders(server.now());
    if (lists_everything(series)) placeholders.let_operations_vary();
    for (const auto& path : paths) {
      const auto read = read_case(path);
      out[path.stem().string()] = read ? run(server, placeholders, *read) : read.error().text();
    }
  }
  return out;
}

bool without_vectors() {
  return !fs::is_directory(vectors());
}

struct Expected {
  std::string_view folder;
  std::size_t cases;                     // how many there are
  std::vector<std::string> do_not_pass;  // and which of them do not pass
};

class AllProfiles : public ::testing::TestWithParam<Expected> {};

// The page docs/kmip-conformance.md says the same.
TEST_P(AllProfiles, K21_ExactlyTheseCasesPass) {
  if (without_vectors()) GTEST_SKIP() << "no KMIP vectors: set TAPEWARDEN_VECTORS to their folder";
  const auto outcomes = run_all(vectors() / GetParam().folder / "mandatory");
  EXPECT_EQ(outcomes.size(), GetParam().cases);
  std::vector<std::string> failed;
  for (const auto& [name, difference] : outcomes) {
    if (difference.empty()) continue;
    failed.push_back(name);
    const bool known = std::ranges::find(GetParam().do_not_pass, name) != GetParam().do_not_pass.end();
    EXPECT_TRUE(known) << name << ": " << difference;
  }
  EXPECT_EQ(failed, GetParam().do_not_pass);
}

INSTANTIATE_TEST_SUITE_P(Versions, AllProfiles,
                         ::testing::Values(Expected{"v1.4", 68, {}}, Expected{"v2.1", 86, {"PKCS11-M-1-21"}}),
                         [](const auto& version) { return version.index == 0 ? "V14" : "V21"; });

class TapeLibraryProfile : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (without_vectors()) GTEST_SKIP() << "no KMIP vectors: set TAPEWARDEN_VECTORS to their folder";
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
