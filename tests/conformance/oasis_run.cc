#include "oasis_run.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>

#include "base/concat.h"
#include "kmip/encoding/xml.h"
#include "oasis_case.h"
#include "ttlv/item.h"

namespace tapewarden::conformance {
namespace {

namespace fs = std::filesystem;

// Empty: the case passed.
std::string run(const PlayedServer& server, Placeholders& placeholders, const Case& what) {
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

std::string run_together(const std::vector<fs::path>& paths, const PlayedServer& server) {
  Placeholders placeholders(server.now);
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

Outcomes run_all(const fs::path& folder, const PlayedServer& server) {
  std::map<std::string, std::vector<fs::path>> groups;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".xml") continue;
    groups[series_of(entry.path().stem().string())].push_back(entry.path());
  }
  Outcomes out;
  for (auto& [series, paths] : groups) {
    std::ranges::sort(paths);
    Placeholders placeholders(server.now);
    if (lists_everything(series)) placeholders.let_operations_vary();
    for (const auto& path : paths) {
      const auto read = read_case(path);
      out[path.stem().string()] = read ? run(server, placeholders, *read) : read.error().text();
    }
  }
  return out;
}

}  // namespace

const std::vector<CasesOfVersion>& versions_with_all_profiles() {
  static const std::vector<CasesOfVersion> kVersions{{"v1.4", 68, {}}, {"v2.1", 86, {"PKCS11-M-1-21"}}};
  return kVersions;
}

std::span<const std::string_view> tape_library_versions() {
  static constexpr std::string_view kVersions[] = {"10", "11", "12", "13", "14", "20", "21"};
  return kVersions;
}

bool without_vectors() {
  return !fs::is_directory(vectors());
}

void expect_exactly_these_pass(const CasesOfVersion& version, const PlayedServer& server) {
  const auto outcomes = run_all(vectors() / version.folder / "mandatory", server);
  EXPECT_EQ(outcomes.size(), version.cases);
  std::vector<std::string_view> failed;
  for (const auto& [name, difference] : outcomes) {
    if (difference.empty()) continue;
    failed.emplace_back(name);
    const bool known = std::ranges::find(version.do_not_pass, name) != version.do_not_pass.end();
    EXPECT_TRUE(known) << name << ": " << difference;
  }
  EXPECT_EQ(failed, version.do_not_pass);
}

void expect_tape_library_passes(std::string_view version, const PlayedServer& server) {
  for (const auto* folder : {"v1.0-1.2-tape-library", "v1.3", "v1.4", "v2.0", "v2.1"}) {
    const auto mandatory = vectors() / folder / "mandatory";
    const auto path_of = [&](std::string_view number) {
      return mandatory / concat("TL-M-", number, "-", version, ".xml");
    };
    if (!fs::exists(path_of("1"))) continue;
    EXPECT_EQ(run_together({path_of("1"), path_of("2"), path_of("3")}, server), "");
    return;
  }
  ADD_FAILURE() << "no cases of version " << version;
}

}  // namespace tapewarden::conformance
