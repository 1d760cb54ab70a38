#include "keymgr/migration/ekm_metadata.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "eedk/data_key_identifier.h"
#include "eedk/eedk.h"
#include "keymgr/drive_table.h"
#include "keymgr/limits.h"
#include "keymgr/migration/xml_records.h"

namespace tapewarden::keymgr {
namespace {

constexpr std::string_view kRecordName = "KeyUsageEvent";

struct Zone {
  std::string_view name;
  int minutes;
};
// Those of the places where such servers stood. IST and other abbreviations with several meanings are left
// out; CST is that of North America.
constexpr Zone kZones[] = {{"UTC", 0},     {"GMT", 0},    {"WET", 0},    {"WEST", 60},  {"BST", 60},
                           {"CET", 60},    {"CEST", 120}, {"MEZ", 60},   {"MESZ", 120}, {"EET", 120},
                           {"EEST", 180},  {"EST", -300}, {"EDT", -240}, {"CST", -360}, {"CDT", -300},
                           {"MST", -420},  {"MDT", -360}, {"PST", -480}, {"PDT", -420}, {"AKST", -540},
                           {"AKDT", -480}, {"HST", -600}, {"BRT", -180}, {"JST", 540},  {"KST", 540},
                           {"SGT", 480},   {"AEST", 600}, {"AEDT", 660}, {"NZST", 720}, {"NZDT", 780}};

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::unexpected<Error> no_date() {
  return fail(ErrorCode::kInvalidArgument, "the date is not like \"Tue Feb 20 09:18:07 CST 2007\"",
              "dateTime");
}

// "GMT+01:00": minutes east.
std::optional<int> offset_of(std::string_view zone) {
  if (zone.size() != 9 || !zone.starts_with("GMT") || zone[6] != ':') return std::nullopt;
  const auto hours = parse_number(zone.substr(4, 2), 0, 14, "zone");
  const auto minutes = parse_number(zone.substr(7, 2), 0, 59, "zone");
  if (!hours || !minutes || (zone[3] != '+' && zone[3] != '-')) return std::nullopt;
  const int east = static_cast<int>(*hours * 60 + *minutes);
  return zone[3] == '+' ? east : -east;
}

std::optional<int> zone_minutes(std::string_view zone) {
  const auto found = std::ranges::find(kZones, zone, &Zone::name);
  return found != std::end(kZones) ? std::optional(found->minutes) : offset_of(zone);
}

// The first of the names that the record has.
std::string field_of(const XmlRecord& record, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto found = record.fields.find(name);
    if (found != record.fields.end()) return found->second;
  }
  return {};
}

// 24 hexadecimal digits, or the text of up to 12 characters.
Result<Bytes> dki_of(const std::string& text) {
  if (text.empty()) return Bytes();
  if (text.size() == 2 * eedk::kDataKeyIdentifierBytes) {
    if (auto bytes = from_hex(text)) return bytes;
  }
  const auto dki = eedk::DataKeyIdentifier::from_alias(text);
  if (!dki) return fail(ErrorCode::kInvalidArgument, "the DKi has no known form", "DKi");
  return to_bytes(dki->view());
}

Result<EkmUsage> usage_of(const XmlRecord& record) {
  if (!record.fault.empty()) return fail(ErrorCode::kInvalidArgument, record.fault);
  EkmUsage usage;
  usage.line = record.line;
  usage.volser = to_upper(field_of(record, {"volser"}));
  if (usage.volser.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "the volser is empty: a test of the key path, not a cartridge that was written", "VolSer");
  }
  if (usage.volser.size() > kMaximumVolserCharacters || !is_printable(usage.volser)) {
    return fail(ErrorCode::kInvalidArgument, "the volser is too long or holds other characters", "VolSer");
  }
  usage.drive = TRY(canonical_serial(field_of(record, {"drivessn"})));
  usage.wwnn = TRY(canonical_wwnn(field_of(record, {"drivewwn", "drivewwnn", "wwn", "wwnn"})));
  usage.alias_1 = field_of(record, {"keyalias1", "keyalias"});
  usage.alias_2 = field_of(record, {"keyalias2"});
  usage.dki = TRY(dki_of(field_of(record, {"dki"})));
  if (usage.alias_1.empty()) std::swap(usage.alias_1, usage.alias_2);
  if (usage.alias_1.empty() && usage.dki.empty()) {
    return fail(ErrorCode::kInvalidArgument, "the record names no key", "keyAlias1");
  }
  for (const auto& alias : {usage.alias_1, usage.alias_2}) {
    if (!alias.empty()) TRY(eedk::check_label(alias, "keyAlias"));
  }
  bool assumed = false;
  usage.created = TRY(parse_java_date(field_of(record, {"datetime", "creationdate"}), assumed));
  if (assumed) usage.remark = "the time zone is not known: its time was taken as UTC";
  return usage;
}

}  // namespace

Result<WallTime> parse_java_date(std::string_view text, bool& assumed) {
  std::vector<std::string> parts;
  for (auto& part : split(trim(text), ' ')) {
    if (!part.empty()) parts.push_back(std::move(part));
  }
  if (parts.size() != 6) return no_date();
  const auto month = std::ranges::find(kMonths, parts[1]);
  const auto day = parse_number(parts[2], 1, 31, "dateTime");
  const auto clock = split(parts[3], ':');
  const auto year = parse_number(parts[5], 1990, 2100, "dateTime");
  if (month == kMonths.end() || !day || clock.size() != 3 || !year) return no_date();
  const auto hour = parse_number(clock[0], 0, 23, "dateTime");
  const auto minute = parse_number(clock[1], 0, 59, "dateTime");
  const auto second = parse_number(clock[2], 0, 60, "dateTime");
  const std::chrono::year_month_day date{
      std::chrono::year(static_cast<int>(*year)),
      std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1),
      std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || !hour || !minute || !second) return no_date();
  const auto zone = zone_minutes(parts[4]);
  assumed = !zone;
  const auto of = [](std::uint64_t number) { return static_cast<std::int64_t>(number); };
  return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(of(*hour)) +
         std::chrono::minutes(of(*minute) - zone.value_or(0)) + std::chrono::seconds(of(*second));
}

Result<EkmMetadata> read_ekm_metadata(std::string_view text) {
  EkmMetadata out;
  for (const auto& record : TRY(read_xml_records(text, kRecordName))) {
    auto usage = usage_of(record);
    if (usage) {
      out.usages.push_back(*std::move(usage));
      continue;
    }
    std::string reason = usage.error().message;
    if (!usage.error().field.empty()) reason += " (" + usage.error().field + ")";
    out.faults.push_back({record.line, field_of(record, {"volser"}), std::move(reason)});
  }
  if (!out.usages.empty() || !out.faults.empty()) return out;
  return fail(ErrorCode::kInvalidArgument, "the file holds no KeyUsageEvent", "text",
              "give the file that Audit.metadata.file.name of the old server's properties names");
}

}  // namespace tapewarden::keymgr
