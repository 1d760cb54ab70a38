// The drive table as text (docs/formats/drive-table.md): JSON, so that people can read and change it.
#include <algorithm>
#include <boost/json.hpp>
#include <map>

#include "base/text.h"
#include "crypto/certificate.h"
#include "keymgr/audit_note.h"
#include "keymgr/drive_table.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr {
namespace {

namespace json = boost::json;

constexpr std::string_view kFormat = "tapewarden drive table";
constexpr std::int64_t kVersion = 1;

std::string pem_of(const Bytes& der) {
  const auto certificate = crypto::Certificate::from_der(der);
  return certificate ? certificate->pem() : std::string();
}

json::object to_json(const Drive& drive, const std::vector<ProxyDrive>& proxies) {
  json::object out;
  out["serial"] = drive.serial;
  out["wwnn"] = drive.wwnn;
  out["kind"] = to_string(drive.kind);
  out["state"] = to_string(drive.state);
  out["default_alias"] = drive.default_alias;
  out["default_group"] = drive.default_group;
  out["label_1"] = drive.label_1.label;
  out["mode_1"] = eedk::to_string(drive.label_1.mode);
  out["label_2"] = drive.label_2.label;
  out["mode_2"] = eedk::to_string(drive.label_2.mode);
  if (!drive.certificate.empty()) out["certificate"] = pem_of(drive.certificate);
  if (!drive.wrapping_spki.empty()) out["wrapping_key"] = to_hex(drive.wrapping_spki);
  json::array list;
  for (const auto& proxy : proxies) {
    list.push_back(json::object{{"fingerprint", to_hex(proxy.proxy)}, {"name", proxy.proxy_name}});
  }
  if (!list.empty()) out["proxies"] = std::move(list);
  return out;
}

std::unexpected<Error> bad(std::size_t index, std::string_view what) {
  return fail(ErrorCode::kInvalidArgument,
              "drive number " + std::to_string(index + 1) + ": " + std::string(what), "drives",
              "see the page on the drive table's text form");
}

// The text member, or `fallback` when it is absent; an error when it is something else than text.
Result<std::string> text_member(const json::object& object, std::string_view name, std::string_view fallback,
                                std::size_t index) {
  const auto* member = object.if_contains(name);
  if (member == nullptr) return std::string(fallback);
  if (!member->is_string()) return bad(index, std::string(name) + " is not text");
  return std::string(member->get_string());
}

Result<LabelMode> mode_member(const json::object& object, std::string_view name, std::size_t index) {
  const std::string text = TRY(text_member(object, name, "clear", index));
  if (equal_ignoring_case(text, "clear")) return LabelMode::kClear;
  if (equal_ignoring_case(text, "hash")) return LabelMode::kHash;
  return bad(index, std::string(name) + " is neither clear nor hash");
}

Result<LabelChoice> label_member(const json::object& object, std::string_view label, std::string_view mode,
                                 std::size_t index) {
  return LabelChoice{TRY(text_member(object, label, "", index)), TRY(mode_member(object, mode, index))};
}

// `complete`: what the text leaves out is empty; otherwise it stays as it is.
Result<DriveChange> read_change(const json::object& object, std::size_t index, bool complete) {
  const auto given = [&](std::string_view name) { return complete || object.contains(name); };
  DriveChange change;
  if (given("wwnn")) change.wwnn = TRY(text_member(object, "wwnn", "", index));
  if (given("kind")) change.kind = TRY(parse_drive_kind(TRY(text_member(object, "kind", "LTO", index))));
  if (given("default_alias")) change.default_alias = TRY(text_member(object, "default_alias", "", index));
  if (given("default_group")) change.default_group = TRY(text_member(object, "default_group", "", index));
  if (given("label_1")) change.label_1 = TRY(label_member(object, "label_1", "mode_1", index));
  if (given("label_2")) change.label_2 = TRY(label_member(object, "label_2", "mode_2", index));
  if (given("certificate")) {
    const std::string pem = TRY(text_member(object, "certificate", "", index));
    change.certificate = pem.empty() ? Bytes() : TRY(crypto::Certificate::from_pem(pem)).der();
  }
  if (given("wrapping_key")) {
    change.wrapping_spki = TRY(from_hex(TRY(text_member(object, "wrapping_key", "", index))));
  }
  return change;
}

Result<std::vector<ProxyDrive>> read_proxies(const json::object& object, std::string_view serial,
                                             std::size_t index) {
  std::vector<ProxyDrive> out;
  const auto* list = object.if_contains("proxies");
  if (list == nullptr) return out;
  if (!list->is_array()) return bad(index, "proxies is not a list");
  for (const auto& item : list->get_array()) {
    if (!item.is_object()) return bad(index, "a proxy is not an object");
    ProxyDrive proxy;
    const auto fingerprint = TRY(from_hex(TRY(text_member(item.get_object(), "fingerprint", "", index))));
    if (fingerprint.size() != proxy.proxy.size())
      return bad(index, "a proxy's fingerprint has 64 hex digits");
    copy_bytes(proxy.proxy, fingerprint);
    proxy.serial = serial;
    proxy.proxy_name = TRY(text_member(item.get_object(), "name", "", index));
    out.push_back(std::move(proxy));
  }
  return out;
}

struct ParsedDrive {
  std::string serial;
  DriveState state = DriveState::kAccepted;
  DriveChange change;
  std::vector<ProxyDrive> proxies;
};

Result<ParsedDrive> read_drive(const json::value& value, std::size_t index, bool complete) {
  if (!value.is_object()) return bad(index, "it is not an object");
  const auto& object = value.get_object();
  ParsedDrive out;
  auto serial = canonical_serial(TRY(text_member(object, "serial", "", index)));
  if (!serial) return in_context("drive number " + std::to_string(index + 1), std::move(serial).error());
  out.serial = *std::move(serial);
  out.state = TRY(parse_drive_state(TRY(text_member(object, "state", "accepted", index))));
  auto change = read_change(object, index, complete);
  if (!change) return in_context("drive " + out.serial, std::move(change).error());
  out.change = *std::move(change);
  out.proxies = TRY(read_proxies(object, out.serial, index));
  return out;
}

Result<std::map<std::string, ParsedDrive>> parse(std::string_view text, bool complete) {
  if (text.size() > kMaximumDriveTableBytes) {
    return fail(ErrorCode::kInvalidArgument, "the drive table's text is too long", "text");
  }
  boost::system::error_code error;
  const json::value root = json::parse(text, error);
  if (error || !root.is_object()) {
    return fail(ErrorCode::kInvalidArgument, "the drive table's text is no JSON object", "text");
  }
  const auto* format = root.get_object().if_contains("format");
  const auto* version = root.get_object().if_contains("version");
  const auto* drives = root.get_object().if_contains("drives");
  if (format == nullptr || !format->is_string() || std::string_view(format->get_string()) != kFormat ||
      version == nullptr || !version->is_int64() || version->get_int64() != kVersion || drives == nullptr ||
      !drives->is_array()) {
    return fail(ErrorCode::kInvalidArgument, "the text is no drive table of version 1", "format",
                "export a drive table to see the form");
  }
  std::map<std::string, ParsedDrive> out;
  std::size_t index = 0;
  for (const auto& value : drives->get_array()) {
    ParsedDrive drive = TRY(read_drive(value, index, complete));
    const std::string serial = drive.serial;
    if (!out.emplace(serial, std::move(drive)).second)
      return bad(index, "serial " + serial + " stands twice");
    ++index;
  }
  return out;
}

// What import compares and changes; times and offers are the table's own.
bool same_settings(const Drive& a, const Drive& b) {
  return a.wwnn == b.wwnn && a.kind == b.kind && a.state == b.state && a.default_alias == b.default_alias &&
         a.default_group == b.default_group && a.label_1 == b.label_1 && a.label_2 == b.label_2 &&
         a.certificate == b.certificate && a.wrapping_spki == b.wrapping_spki;
}

}  // namespace

Result<std::string> DriveTable::export_text(store::Reader& reader) const {
  std::map<std::string, std::vector<ProxyDrive>> proxies;
  for (auto& proxy : TRY(list_proxies(reader))) proxies[proxy.serial].push_back(std::move(proxy));
  json::array drives;
  for (const auto& row : TRY(reader.query(kDriveTable, "1 ORDER BY serial", {}))) {
    const Drive drive = Drive::from_row(row);
    drives.push_back(to_json(drive, proxies[drive.serial]));
  }
  json::object root;
  root["format"] = kFormat;
  root["version"] = kVersion;
  root["drives"] = std::move(drives);
  return json::serialize(root) + "\n";
}

// An imported table is no way around the rule that a security officer alone says who speaks for a drive.
static Status check_may_change_proxies(const Actor& actor, std::string_view serial) {
  if (actor.changes_access()) return {};
  return fail(ErrorCode::kPermissionDenied,
              "the table changes which proxies may speak for drive " + std::string(serial), "proxies",
              "a security officer imports it, or take the proxies out of the text");
}

Status DriveTable::forbid_others(store::Transaction& transaction, const Actor& actor, std::string_view serial,
                                 std::span<const ProxyDrive> kept) const {
  for (const auto& row : TRY(transaction.query(kProxyDriveTable, "serial = ?", {std::string(serial)}))) {
    const Hash256 proxy = ProxyDrive::from_row(row).proxy;
    if (std::ranges::find(kept, proxy, &ProxyDrive::proxy) != kept.end()) continue;
    TRY(check_may_change_proxies(actor, serial));
    TRY(forbid_proxy(transaction, actor, proxy, serial));
  }
  return {};
}

Result<ImportReport> DriveTable::import_text(store::Transaction& transaction, const Actor& actor,
                                             std::string_view text, ImportMode mode) const {
  const auto wanted = TRY(parse(text, mode == ImportMode::kRewrite));
  ImportReport report;
  for (const auto& row : TRY(transaction.query(kDriveTable, "1", {}))) {
    const Drive drive = Drive::from_row(row);
    if (mode == ImportMode::kMerge || wanted.contains(drive.serial)) continue;
    TRY(erase(transaction, actor, drive.serial));
    ++report.removed;
  }
  for (const auto& [serial, entry] : wanted) {
    const auto before = TRY(find(transaction, serial));
    Drive drive = before ? TRY(modify(transaction, actor, serial, entry.change))
                         : TRY(add(transaction, actor, serial, entry.change));
    if (drive.state != entry.state) {
      drive.state = entry.state;
      drive.decided_at = context_.now();
      drive.decided_by = actor.name;
      TRY(put(transaction, actor, "drive.import", drive));
    }
    if (mode == ImportMode::kRewrite) TRY(forbid_others(transaction, actor, serial, entry.proxies));
    for (const auto& proxy : entry.proxies) {
      if (TRY(proxy_may_speak(transaction, proxy.proxy, serial))) continue;
      TRY(check_may_change_proxies(actor, serial));
      TRY(allow_proxy(transaction, actor, proxy.proxy, proxy.proxy_name, serial));
    }
    ++(!before ? report.added : same_settings(*before, drive) ? report.unchanged : report.changed);
  }
  note(transaction, context_,
       {.type = AuditType::kResourceManagement,
        .action = "drive.import",
        .actor = actor,
        .fields = {{"mode", mode == ImportMode::kMerge ? "merge" : "rewrite"},
                   {"added", std::to_string(report.added)},
                   {"changed", std::to_string(report.changed)},
                   {"removed", std::to_string(report.removed)}}});
  return report;
}

}  // namespace tapewarden::keymgr
