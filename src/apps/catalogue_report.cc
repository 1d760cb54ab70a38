#include <algorithm>
#include <boost/json.hpp>

#include "apps/catalogue_rebuild.h"
#include "base/counted.h"
#include "base/text.h"

namespace tapewarden::apps {
namespace {

using engine::FindingKind;
using Kinds = std::vector<FindingKind>;

constexpr std::size_t kMostNamed = 50;  // volumes of one list

// What people must act on; any of it makes the exit status 6.
const Kinds& lost() {
  static const Kinds kinds{FindingKind::kLostVolume,     FindingKind::kOlderContent,
                           FindingKind::kNeedsCartridge, FindingKind::kUnreadCartridge,
                           FindingKind::kDamagedImage,   FindingKind::kOneCopyLess,
                           FindingKind::kTwoContents};
  return kinds;
}
const Kinds& not_known() {
  static const Kinds kinds{FindingKind::kNoBackup,        FindingKind::kSettingsSince,
                           FindingKind::kUnknownLabels,   FindingKind::kNewConstruct,
                           FindingKind::kAbsentCartridge, FindingKind::kLabelsDropped,
                           FindingKind::kMoveDropped,     FindingKind::kToBeErased,
                           FindingKind::kHeldPool,        FindingKind::kTakesMore};
  return kinds;
}
const Kinds& noted() {
  static const Kinds kinds{FindingKind::kNewVolume, FindingKind::kDeletedSince, FindingKind::kTornImage,
                           FindingKind::kNoLabel,   FindingKind::kOtherEngine,  FindingKind::kLibrary};
  return kinds;
}

void add_section(std::string& out, const engine::RebuildReport& report, std::string_view title,
                 const Kinds& kinds) {
  if (std::ranges::none_of(kinds, [&](FindingKind kind) { return report.count(kind) != 0; })) return;
  out += "\n" + std::string(title) + "\n";
  for (const auto kind : kinds) {
    if (report.count(kind) == 0) continue;
    out += "  " + std::string(to_string(kind)) + " (" + std::to_string(report.count(kind)) +
           "): " + std::string(explanation(kind)) + "\n";
    std::uint64_t named = 0;
    for (const auto& finding : report.findings) {
      if (finding.kind != kind) continue;
      ++named;
      out += "    " + escape_unprintable(finding.subject) + (finding.subject.empty() ? "" : ": ") +
             escape_unprintable(finding.text) + "\n";
    }
    if (named < report.count(kind))
      out += "    and " + std::to_string(report.count(kind) - named) + " more\n";
  }
}

namespace json = boost::json;

void add_findings(json::array& out, const engine::RebuildReport& report, std::string_view part,
                  const Kinds& kinds) {
  for (const auto kind : kinds) {
    if (report.count(kind) == 0) continue;
    json::array items;
    for (const auto& finding : report.findings)
      if (finding.kind == kind)
        items.push_back(json::object{{"subject", finding.subject}, {"text", finding.text}});
    out.push_back(json::object{{"kind", to_string(kind)},
                               {"part", part},
                               {"count", report.count(kind)},
                               {"meaning", explanation(kind)},
                               {"items", std::move(items)}});
  }
}

json::array texts(const std::vector<std::string>& names) {
  json::array out;
  for (const auto& name : names) out.emplace_back(name);
  return out;
}

std::string backup_text(const engine::RebuildReport& report) {
  return report.backup_made ? format_utc(*report.backup_made) : "none";
}

std::string names_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < kMostNamed; ++i) text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kMostNamed) text += " and " + std::to_string(names.size() - kMostNamed) + " more";
  return text;
}

void add_place(std::string& out, const RebuiltCatalogue& rebuilt) {
  out += '\n';
  if (!rebuilt.in_place) {
    out +=
        "The catalogue was NOT put in its place: cartridges could not be read. Nothing was changed, and what "
        "was read is kept. Bring keys, drives or cartridges and do this again; or say --incomplete.\n";
    return;
  }
  out += "The catalogue is in its place.\n";
  if (!rebuilt.aside.empty()) out += "The one that was there lies in " + rebuilt.aside + ".\n";
  if (!rebuilt.library.put.empty())
    out += counted(rebuilt.library.put.size(), "volume") +
           " put back into the library that hosts see: " + names_of(rebuilt.library.put) + "\n";
  if (!rebuilt.library.unknown.empty())
    out +=
        counted(rebuilt.library.unknown.size(), "volume") +
        " taken off that library, of which no cartridge and no backup tells: never written, or only in the "
        "cache. Insert them again: " +
        names_of(rebuilt.library.unknown) + "\n";
  if (rebuilt.lost_cache_files != 0)
    out += counted(rebuilt.lost_cache_files, "file") +
           " of the cache cannot be opened any more: the keys were in the lost catalogue alone. They are "
           "not removed unasked, and the engine does not start while they are there: move them away, or look "
           "at them and give them up with tapewarden-taped accept-cache-loss.\n";
}

}  // namespace

std::string text_of(const RebuiltCatalogue& rebuilt) {
  const auto& report = rebuilt.report;
  std::string out = "Catalogue of the engine " + rebuilt.engine.text() + ", from " +
                    counted(report.cartridges_read, "cartridge") + "\n";
  out += "Newest backup on them: " + backup_text(report) + "\n";
  out += "Back: " + counted(report.volumes, "logical volume") + ", " + std::to_string(report.with_content) +
         " of them with content\n";
  add_section(out, report, "Lost or damaged", lost());
  add_section(out, report, "Not known", not_known());
  add_section(out, report, "Also seen", noted());
  add_place(out, rebuilt);
  return out;
}

std::string json_of(const RebuiltCatalogue& rebuilt) {
  const auto& report = rebuilt.report;
  json::array findings;
  add_findings(findings, report, "lost-or-damaged", lost());
  add_findings(findings, report, "not-known", not_known());
  add_findings(findings, report, "also-seen", noted());
  const json::object all{{"engine", rebuilt.engine.text()},
                         {"in_place", rebuilt.in_place},
                         {"damage", found_damage(rebuilt)},
                         {"cartridges_read", report.cartridges_read},
                         {"backup_made", report.backup_made ? backup_text(report) : ""},
                         {"volumes", report.volumes},
                         {"with_content", report.with_content},
                         {"findings", std::move(findings)},
                         {"set_aside", rebuilt.aside},
                         {"put_into_library", texts(rebuilt.library.put)},
                         {"taken_off_library", texts(rebuilt.library.unknown)},
                         {"lost_cache_files", rebuilt.lost_cache_files}};
  return json::serialize(all);
}

std::vector<std::pair<std::string_view, std::string>> audit_fields(const RebuiltCatalogue& rebuilt) {
  const auto& report = rebuilt.report;
  std::vector<std::pair<std::string_view, std::string>> fields{
      {"engine", rebuilt.engine.text()},
      {"in_place", rebuilt.in_place ? "yes" : "no"},
      {"cartridges_read", std::to_string(report.cartridges_read)},
      {"newest_backup", backup_text(report)},
      {"volumes", std::to_string(report.volumes)},
      {"with_content", std::to_string(report.with_content)}};
  if (!rebuilt.aside.empty()) fields.emplace_back("set_aside", rebuilt.aside);
  std::string found;
  for (const auto* kinds : {&lost(), &not_known(), &noted()})
    for (const auto kind : *kinds) {
      if (report.count(kind) == 0) continue;
      found += (found.empty() ? "" : ", ") + std::string(to_string(kind)) + " " +
               std::to_string(report.count(kind));
    }
  fields.emplace_back("found", std::move(found));
  return fields;
}

bool found_damage(const RebuiltCatalogue& rebuilt) {
  return std::ranges::any_of(lost(), [&](FindingKind kind) { return rebuilt.report.count(kind) != 0; });
}

}  // namespace tapewarden::apps
